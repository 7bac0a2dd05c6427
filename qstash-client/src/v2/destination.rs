//! What a message can be published to: a URL, a URL group or a built-in API.

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::error::{BoxError, Error};
use crate::types::ids::UrlGroupName;
use crate::v2::published::{Answer, GroupPublished, Published};
use crate::v2::url::{check_url, origin, setting_in_query};

/// Something that a message can be published to. Text is a URL, [`Group`] names a URL group, and [`Api`] a built-in
/// API. [`Llm`](crate::v2::Llm) and [`Email`](crate::v2::Email) are URLs of providers with the headers that those want.
pub trait Destination {
    /// What the service answers to a publish.
    type Answer: Answer;

    /// Checks the destination.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput), which names the part that breaks a rule.
    fn into_target(self) -> Result<Target, Error>;
}

/// A checked destination. `Debug` shows no path and no query of a URL.
#[derive(Clone)]
pub struct Target {
    /// The destination as it stands in the path of the request.
    pub(crate) path: String,
    /// The destination as errors show it: without path and query of a URL, which may hold secrets.
    pub(crate) shown: String,
    /// The headers that the destination itself wants forwarded or set.
    pub(crate) headers: HeaderMap,
    /// Whether a publish without a callback is refused, because the callback gets what the destination answers.
    pub(crate) needs_callback: bool,
}

impl Target {
    fn new(path: impl Into<String>, shown: String) -> Self {
        Self {
            path: path.into(),
            shown,
            headers: HeaderMap::new(),
            needs_callback: false,
        }
    }

    pub(crate) fn url(url: &str) -> Result<Self, Error> {
        check_url("destination", url)?;
        if let Some(name) = setting_in_query(url) {
            let rule = format!(
                "has {name:?} in its query, which the service would take for a setting and cut out; \
                 call the publish's method for that setting"
            );
            return Err(Error::invalid_input("destination", &origin(url), &rule));
        }
        Ok(Self::new(url, format!("`{}`", origin(url))))
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The name of a URL group. Each endpoint of the group gets a message of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<S>(pub S);

/// The name of a built-in API, such as `llm`, which is sent as `api/llm` and needs a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Api<S>(pub S);

macro_rules! url_destination {
    ($($type:ty),+) => {$(
        /// An `http://` or `https://` URL, which is sent byte for byte. The client refuses a URL that URL parsing would
        /// change on the way: one with dot segments (also as `%2e`), `\`, blanks, tabs, a fragment, or characters that
        /// have to be percent-encoded. It also refuses a URL whose query has `qstash_token` or a name that begins with
        /// `upstash-`. The service would take that for a setting, so a URL that came from somebody else could set a
        /// callback.
        impl Destination for $type {
            type Answer = Published;
            fn into_target(self) -> Result<Target, Error> {
                Target::url(self.as_ref())
            }
        }
    )+};
}

url_destination!(&str, String, &String);

impl<S: AsRef<str>> Destination for Group<S> {
    type Answer = GroupPublished;
    fn into_target(self) -> Result<Target, Error> {
        let name = UrlGroupName::parse(self.0.as_ref())?;
        let shown = format!("URL group `{name}`");
        Ok(Target::new(name, shown))
    }
}

impl Destination for UrlGroupName {
    type Answer = GroupPublished;
    fn into_target(self) -> Result<Target, Error> {
        Group(self).into_target()
    }
}

impl<S: AsRef<str>> Destination for Api<S> {
    type Answer = Published;
    fn into_target(self) -> Result<Target, Error> {
        let rule = "must be 1 to 256 characters of A-Z a-z 0-9 _ . -, and not `.` or `..`";
        let name = UrlGroupName::parse(self.0.as_ref())
            .map_err(|_| Error::invalid_input("API name", self.0.as_ref(), rule))?;
        let mut target = Target::new(format!("api/{name}"), format!("API `{name}`"));
        target.needs_callback = name.as_str() == "llm";
        Ok(target)
    }
}

/// Decodes the answer to a publish.
pub(crate) fn answer<A: Answer>(response: &Response<Bytes>) -> Result<A, BoxError> {
    A::from_json(response.body()).map_err(BoxError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_as_they_are() {
        for good in [
            "https://example.com",
            "http://localhost:3000/",
            "https://e.com/a//b?x=1",
            "https://e.com/p?next=/../x&y=%2e%2e/",
            "https://e.com/a%2Fb%20c;v=1,2/(x)!*'$&+@:~|",
            "https://e.com?",
            "https://user:pw@[::1]:8080/x",
            "https://e.com/...",
            "https://e.com/?q={a}^`",
        ] {
            let target = Target::url(good).expect(good);
            assert_eq!(target.path, good);
        }
    }

    #[test]
    fn what_url_parsing_would_change_is_refused_and_the_part_is_named() {
        for (bad, part) in [
            ("https://e.com/../../../messages", "dot segment"),
            ("https://e.com/a/./b", "dot segment"),
            ("https://e.com/%2e%2E/x", "dot segment"),
            ("https://e.com/.%2e", "dot segment"),
            ("https://../x", "dot segment"),
            ("https://e.com\\x", "backslash"),
            ("https://e.com/?x=\\", "backslash"),
            ("https://e.com/a\tb", "'\\t'"),
            ("https://e.com/a b", "' '"),
            ("https://e.com/ä", "'ä' in its path"),
            ("https://exämple.com/", "'ä' in its host"),
            ("https://e.com/?q='", "query"),
            ("https://e.com/#top", "fragment"),
            ("https://e.com/{id}", "'{'"),
            ("https:///x", "host"),
            ("https://", "host"),
            ("e.com", "http://"),
            ("ftp://e.com", "http://"),
            ("HTTPS://e.com", "http://"),
            ("", "http://"),
        ] {
            let error = Target::url(bad).expect_err(bad);
            assert!(error.to_string().contains(part), "{bad:?}: {error}");
        }
    }

    #[test]
    fn settings_in_a_query_are_refused_in_any_spelling() {
        for bad in [
            "https://e.com/?upstash-callback=https://evil.example",
            "https://e.com/?a=1&UPSTASH-Retries=9",
            "https://e.com?%75pstash%2ddelay=1s",
            "https://e.com/?qstash_token=x",
            "https://e.com/?a=1&Qstash%5Ftoken",
        ] {
            let error = Target::url(bad).expect_err(bad);
            assert!(error.to_string().contains("setting"), "{bad:?}: {error}");
        }
        for good in [
            "https://e.com/upstash-x?x=upstash-retries",
            "https://e.com/?xupstash-retries=1&qstash_tokens=1&%zz&%7",
        ] {
            assert_eq!(Target::url(good).expect(good).path, good);
        }
    }

    #[test]
    fn an_error_shows_no_secret_of_the_url() {
        let error = Target::url("https://u:hunter2@e.com/s3cret/../?k=s3cret").expect_err("dots");
        let text = format!("{error} {error:?}");
        assert!(
            !text.contains("s3cret") && !text.contains("hunter2"),
            "{text}"
        );
        let shown = Target::url("https://u:hunter2@e.com/s3cret")
            .expect("valid")
            .shown;
        assert_eq!(shown, "`https://e.com`");
    }

    #[test]
    fn groups_and_apis_are_one_segment() {
        assert_eq!(Group("orders").into_target().expect("valid").path, "orders");
        let llm = Api("llm").into_target().expect("valid");
        assert_eq!((llm.path.as_str(), llm.needs_callback), ("api/llm", true));
        for bad in ["", "a/b", "..", "https://e.com"] {
            assert!(Group(bad).into_target().is_err(), "{bad:?}");
            assert!(Api(bad).into_target().is_err(), "{bad:?}");
        }
    }
}
