//! What a verified request says of itself.

use std::borrow::Cow;

use http::HeaderMap;

use crate::jwt::Claims;
use crate::{KeyName, Region, Scheme, VerifyError};

/// What a verified request says of itself.
///
/// The signature covers the body, and in v2 the URL and the [`Claims`]. **It does not cover the headers** that
/// the other methods read: whoever can see one signed request can send it again with another message id while
/// its token is good (v1: for ever). Use TLS, and treat the headers as what an honest sender says.
///
/// Headers that are absent, or are not visible ASCII, read as `None`. With signatures of both schemes the v2
/// headers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) key: KeyName,
    /// The verified token's payload, still encoded.
    pub(crate) payload: Option<Cow<'a, str>>,
    pub(crate) headers: Headers<'a>,
}

/// A delivery that owns what it says, as extractors hand it out.
pub type OwnedDelivery = Delivery<'static>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Headers<'a> {
    message_id: Text<'a>,
    attempt: Option<u32>,
    queue: Text<'a>,
    lease_id: Text<'a>,
    published_at: Text<'a>,
    schedule_id: Text<'a>,
    url_group: Text<'a>,
    caller_ip: Text<'a>,
    region: Text<'a>,
    label: Text<'a>,
}

type Text<'a> = Option<Cow<'a, str>>;

impl<'a> Headers<'a> {
    /// Every header that is read here may be there once.
    pub(crate) fn read(scheme: Scheme, headers: &'a HeaderMap) -> Result<Self, VerifyError> {
        let text = |name| text(headers, name).map(|value| value.map(Cow::Borrowed));
        let number = |name| {
            self::text(headers, name).map(|value| value.and_then(|it| it.parse::<u32>().ok()))
        };
        Ok(match scheme {
            Scheme::Hmac => Self {
                message_id: text("qstash-message-id")?,
                attempt: number("qstash-attempt")?,
                queue: text("qstash-queue")?,
                lease_id: text("qstash-lease-id")?,
                published_at: text("qstash-published-at")?,
                ..Self::default()
            },
            Scheme::Jwt => Self {
                message_id: text("upstash-message-id")?,
                attempt: number("upstash-retried")?.and_then(|retried| retried.checked_add(1)),
                schedule_id: text("upstash-schedule-id")?,
                url_group: text("upstash-topic-name")?,
                caller_ip: text("upstash-caller-ip")?,
                region: text("upstash-region")?,
                label: text("upstash-label")?,
                ..Self::default()
            },
        })
    }

    fn into_owned(self) -> Headers<'static> {
        Headers {
            message_id: owned(self.message_id),
            attempt: self.attempt,
            queue: owned(self.queue),
            lease_id: owned(self.lease_id),
            published_at: owned(self.published_at),
            schedule_id: owned(self.schedule_id),
            url_group: owned(self.url_group),
            caller_ip: owned(self.caller_ip),
            region: owned(self.region),
            label: owned(self.label),
        }
    }
}

fn owned(text: Text<'_>) -> Text<'static> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

/// The header's value, if it is there and is visible ASCII.
pub(crate) fn text<'a>(
    headers: &'a HeaderMap,
    header: &'static str,
) -> Result<Option<&'a str>, VerifyError> {
    let mut values = headers.get_all(header).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    match values.next() {
        None => Ok(value),
        Some(_) => Err(VerifyError::RepeatedHeader { header }),
    }
}

impl Delivery<'_> {
    /// The scheme of the signature; [`Scheme::Jwt`] where both are there.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The key that fitted.
    #[must_use]
    pub fn key(&self) -> KeyName {
        self.key
    }

    /// v2: what the token claims. Decoded anew at each call.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        Claims::decode(self.payload.as_deref()?)
    }

    /// The message's id, the same on every attempt: what to deduplicate by.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.headers.message_id.as_deref()
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.headers.attempt
    }

    /// How many attempts failed before this one.
    #[must_use]
    pub fn retried(&self) -> Option<u32> {
        self.headers.attempt?.checked_sub(1)
    }

    /// v1: the queue's name.
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        self.headers.queue.as_deref()
    }

    /// v1: this attempt's lease, with which the message can be extended, acknowledged and released.
    #[must_use]
    pub fn lease_id(&self) -> Option<&str> {
        self.headers.lease_id.as_deref()
    }

    /// v1: when the message was published (RFC 3339).
    #[must_use]
    pub fn published_at(&self) -> Option<&str> {
        self.headers.published_at.as_deref()
    }

    /// v2: the schedule that made the message.
    #[must_use]
    pub fn schedule_id(&self) -> Option<&str> {
        self.headers.schedule_id.as_deref()
    }

    /// v2: the URL group that the message was published to.
    #[must_use]
    pub fn url_group(&self) -> Option<&str> {
        self.headers.url_group.as_deref()
    }

    /// v2: the publisher's address.
    #[must_use]
    pub fn caller_ip(&self) -> Option<&str> {
        self.headers.caller_ip.as_deref()
    }

    /// v2: the region that sent the request; `None` for one that this version does not know.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        Region::parse(self.headers.region.as_deref()?)
    }

    /// v2: the message's labels, joined with commas.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.headers.label.as_deref()
    }

    /// The same, borrowing nothing.
    #[must_use]
    pub fn into_owned(self) -> OwnedDelivery {
        Delivery {
            scheme: self.scheme,
            key: self.key,
            payload: owned(self.payload),
            headers: self.headers.into_owned(),
        }
    }
}
