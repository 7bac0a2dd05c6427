//! Which server and which token the environment names.

use crate::error::Error;
use crate::types::region::Region;

/// The hosted service in its default region.
pub(crate) const HOSTED_URL: &str = "https://qstash.upstash.io";

/// The published token of the development server's first user (v2 contract, section 1.4). No secret.
pub(crate) const DEV_TOKEN: &str =
    "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0=";

const DEV_PORT: u16 = 8080;

/// A base URL and the token that goes with it, and which variables hold them.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) url_variable: String,
    pub(crate) token_variable: String,
}

impl Place {
    fn new(prefix: &str, url: String, token: String) -> Self {
        Self {
            url,
            token,
            url_variable: format!("{prefix}QSTASH_URL"),
            token_variable: format!("{prefix}QSTASH_TOKEN"),
        }
    }
}

pub(crate) fn dev_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Reads the variables of the v2 contract, section 1.2, in the order of the TypeScript SDK.
pub(crate) fn resolve(
    read: impl Fn(&str) -> Option<String>,
    release: bool,
) -> Result<Place, Error> {
    let get = |name: &str| read(name).filter(|value| !value.is_empty());
    if dev_is_on(get("QSTASH_DEV").as_deref())? {
        if !release {
            let port = get("QSTASH_DEV_PORT").and_then(|port| port.parse().ok());
            let url = dev_url(port.filter(|port| *port != 0).unwrap_or(DEV_PORT));
            tracing::warn!(%url, "QSTASH_DEV is on: messages go to a development server");
            return Ok(Place::new("", url, DEV_TOKEN.to_owned()));
        }
        tracing::warn!("QSTASH_DEV is ignored, because this is a release build");
    }
    if let Some(place) = get("QSTASH_REGION").and_then(|region| regional(&region, get)) {
        return Ok(place);
    }
    let token = get("QSTASH_TOKEN")
        .ok_or_else(|| Error::config("the environment variable QSTASH_TOKEN is not set"))?;
    let url = get("QSTASH_URL").unwrap_or_else(|| HOSTED_URL.to_owned());
    Ok(Place::new("", url, token))
}

fn dev_is_on(value: Option<&str>) -> Result<bool, Error> {
    match value {
        None | Some("false" | "0") => Ok(false),
        Some("true" | "1") => Ok(true),
        Some(other) => Err(Error::config(format!(
            "the environment variable QSTASH_DEV is {other:?}, not true, 1, false or 0"
        ))),
    }
}

fn regional(region: &str, get: impl Fn(&str) -> Option<String>) -> Option<Place> {
    let Some(known) = Region::parse(region) else {
        tracing::warn!(
            region,
            "QSTASH_REGION is ignored, because it names no region"
        );
        return None;
    };
    let prefix = known.env_prefix();
    let place = get(&format!("{prefix}_QSTASH_URL")).zip(get(&format!("{prefix}_QSTASH_TOKEN")));
    if place.is_none() {
        tracing::warn!(
            region,
            "QSTASH_REGION is ignored, because its URL and token are not both set"
        );
    }
    place.map(|(url, token)| Place::new(&format!("{prefix}_"), url, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve_vars(vars: &[(&str, &str)], release: bool) -> Result<(String, String), Error> {
        let read = |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        resolve(read, release).map(|place| (place.url, place.token))
    }

    fn debug(vars: &[(&str, &str)]) -> (String, String) {
        resolve_vars(vars, false).expect("resolves")
    }

    #[test]
    fn a_missing_token_is_named() {
        for vars in [
            &[][..],
            &[("QSTASH_URL", "http://h")],
            &[("QSTASH_TOKEN", "")],
        ] {
            let error = resolve_vars(vars, false).map(|_| ()).expect_err("no token");
            assert!(error.to_string().contains("QSTASH_TOKEN"), "{error}");
        }
    }

    #[test]
    fn without_a_url_the_hosted_service_is_meant() {
        assert_eq!(debug(&[("QSTASH_TOKEN", "t")]).0, HOSTED_URL);
        let both = [("QSTASH_TOKEN", "t"), ("QSTASH_URL", "http://h")];
        assert_eq!(debug(&both), ("http://h".to_owned(), "t".to_owned()));
    }

    #[test]
    fn a_url_may_end_with_a_slash() {
        let (url, _) = debug(&[("QSTASH_TOKEN", "t"), ("QSTASH_URL", "http://h:8080/")]);
        let base = crate::base_url::BaseUrl::parse(&url).expect("a base URL");
        assert_eq!(base.as_str(), "http://h:8080");
    }

    #[test]
    fn a_region_needs_both_its_variables() {
        let mut vars = vec![
            ("QSTASH_REGION", "us-east-1"),
            ("QSTASH_TOKEN", "t"),
            ("US_EAST_1_QSTASH_URL", "http://us"),
        ];
        assert_eq!(debug(&vars), (HOSTED_URL.to_owned(), "t".to_owned()));
        vars.push(("US_EAST_1_QSTASH_TOKEN", "us"));
        assert_eq!(debug(&vars), ("http://us".to_owned(), "us".to_owned()));
        vars[0].1 = "MARS";
        assert_eq!(debug(&vars).1, "t");
    }

    #[test]
    fn the_development_server_wins_but_never_in_a_release() {
        let mut vars = vec![("QSTASH_DEV", "1"), ("QSTASH_TOKEN", "t")];
        assert_eq!(
            debug(&vars),
            ("http://127.0.0.1:8080".to_owned(), DEV_TOKEN.to_owned())
        );
        let release = resolve_vars(&vars, true).expect("resolves");
        assert_eq!(release, (HOSTED_URL.to_owned(), "t".to_owned()));
        vars.push(("QSTASH_DEV_PORT", "9000"));
        assert_eq!(debug(&vars).0, "http://127.0.0.1:9000");
        for bad in ["0", "x", "70000"] {
            vars[2].1 = bad;
            assert_eq!(debug(&vars).0, "http://127.0.0.1:8080", "{bad:?}");
        }
        vars[0].1 = "false";
        assert_eq!(debug(&vars).1, "t");
        for bad in ["yes", "2", "on", " 1"] {
            vars[0].1 = bad;
            let error = resolve_vars(&vars, false).expect_err(bad).to_string();
            assert!(error.contains("QSTASH_DEV"), "{error}");
        }
    }
}
