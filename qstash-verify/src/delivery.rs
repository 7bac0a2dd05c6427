//! What a verified request tells of itself.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};

use crate::{Claims, KeyName, Region, Scheme, VerifyError};

/// A verified request, and what it tells of itself.
///
/// The signature covers the body, and in v2 the URL and the [`Claims`]. **It does not cover the headers** that the
/// other methods read: whoever sees one signed request can send it again with another message id while its token is
/// valid (in v1 for ever). Use TLS, and take the headers for what an honest sender says.
///
/// A header that is absent, or is not visible ASCII, reads as `None`. If the request has signatures of both schemes,
/// the v2 headers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) key: KeyName,
    /// The verified token's payload, still encoded.
    pub(crate) payload: Option<Cow<'a, str>>,
    pub(crate) headers: Headers<'a>,
}

/// A delivery that borrows nothing, as extractors hand it out.
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

/// The headers of QStash, each of which may occur once. They are found in one pass, because looking each of them up
/// takes as long as the HMAC of a small body.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    pub(crate) hmac: Option<&'a HeaderValue>,
    pub(crate) jwt: Option<&'a HeaderValue>,
    v1: Named<'a>,
    v2: Named<'a>,
}

#[derive(Debug, Default)]
struct Named<'a> {
    message_id: Option<&'a HeaderValue>,
    attempt: Option<&'a HeaderValue>,
    queue: Option<&'a HeaderValue>,
    lease_id: Option<&'a HeaderValue>,
    published_at: Option<&'a HeaderValue>,
    schedule_id: Option<&'a HeaderValue>,
    url_group: Option<&'a HeaderValue>,
    caller_ip: Option<&'a HeaderValue>,
    region: Option<&'a HeaderValue>,
    label: Option<&'a HeaderValue>,
}

impl<'a> Found<'a> {
    /// Reads the headers, but not the signatures of `ignored` schemes.
    pub(crate) fn read(headers: &'a HeaderMap, ignored: &[Scheme]) -> Result<Self, VerifyError> {
        let mut found = Self::default();
        for (name, value) in headers {
            let Some((header, slot)) = found.slot(name.as_str()) else {
                continue;
            };
            if ignored.iter().any(|scheme| scheme.header_name() == header) {
                continue;
            }
            if slot.replace(value).is_some() {
                return Err(VerifyError::RepeatedHeader { header });
            }
        }
        Ok(found)
    }

    /// Returns where a header of this name is kept.
    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<&'a HeaderValue>)> {
        let (v1, v2) = (&mut self.v1, &mut self.v2);
        Some(if let Some(name) = name.strip_prefix("qstash-") {
            match name {
                "signature" => ("qstash-signature", &mut self.hmac),
                "message-id" => ("qstash-message-id", &mut v1.message_id),
                "attempt" => ("qstash-attempt", &mut v1.attempt),
                "queue" => ("qstash-queue", &mut v1.queue),
                "lease-id" => ("qstash-lease-id", &mut v1.lease_id),
                "published-at" => ("qstash-published-at", &mut v1.published_at),
                _ => return None,
            }
        } else {
            match name.strip_prefix("upstash-")? {
                "signature" => ("upstash-signature", &mut self.jwt),
                "message-id" => ("upstash-message-id", &mut v2.message_id),
                "retried" => ("upstash-retried", &mut v2.attempt),
                "schedule-id" => ("upstash-schedule-id", &mut v2.schedule_id),
                "topic-name" => ("upstash-topic-name", &mut v2.url_group),
                "caller-ip" => ("upstash-caller-ip", &mut v2.caller_ip),
                "region" => ("upstash-region", &mut v2.region),
                "label" => ("upstash-label", &mut v2.label),
                _ => return None,
            }
        })
    }

    pub(crate) fn region(&self) -> Option<Region> {
        Region::parse(self.v2.region?.to_str().ok()?)
    }

    pub(crate) fn headers(&self, scheme: Scheme) -> Headers<'a> {
        let (named, base) = match scheme {
            Scheme::Hmac => (&self.v1, 0),
            Scheme::Jwt => (&self.v2, 1),
        };
        let text = |value: Option<&'a HeaderValue>| value?.to_str().ok();
        let attempt = text(named.attempt).and_then(|it| it.parse::<u32>().ok());
        let text = |value| text(value).map(Cow::Borrowed);
        Headers {
            message_id: text(named.message_id),
            attempt: attempt.and_then(|it| it.checked_add(base)),
            queue: text(named.queue),
            lease_id: text(named.lease_id),
            published_at: text(named.published_at),
            schedule_id: text(named.schedule_id),
            url_group: text(named.url_group),
            caller_ip: text(named.caller_ip),
            region: text(named.region),
            label: text(named.label),
        }
    }
}

impl Headers<'_> {
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

impl Delivery<'_> {
    /// Returns the scheme of the signature; [`Scheme::Jwt`] if the request has both.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the name of the key that fitted.
    #[must_use]
    pub fn key(&self) -> KeyName {
        self.key
    }

    /// Returns the token's claims (v2). Each call decodes them anew.
    #[must_use]
    pub fn claims(&self) -> Option<Claims> {
        Claims::decode(self.payload.as_deref()?)
    }

    /// Returns the message's id, which is the same on every attempt. Deduplicate by it.
    #[must_use]
    pub fn message_id(&self) -> Option<&str> {
        self.headers.message_id.as_deref()
    }

    /// Returns which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> Option<u32> {
        self.headers.attempt
    }

    /// Returns how many attempts failed before this one.
    #[must_use]
    pub fn retried(&self) -> Option<u32> {
        self.headers.attempt?.checked_sub(1)
    }

    /// Returns the name of the message's queue (v1).
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        self.headers.queue.as_deref()
    }

    /// Returns the id of this attempt's lease (v1). With it the consumer can extend, acknowledge and release the
    /// message.
    #[must_use]
    pub fn lease_id(&self) -> Option<&str> {
        self.headers.lease_id.as_deref()
    }

    /// Returns when the message was published, in RFC 3339 (v1).
    #[must_use]
    pub fn published_at(&self) -> Option<&str> {
        self.headers.published_at.as_deref()
    }

    /// Returns the id of the schedule that made the message (v2).
    #[must_use]
    pub fn schedule_id(&self) -> Option<&str> {
        self.headers.schedule_id.as_deref()
    }

    /// Returns the name of the URL group that the message was published to (v2).
    #[must_use]
    pub fn url_group(&self) -> Option<&str> {
        self.headers.url_group.as_deref()
    }

    /// Returns the IP address of the publisher (v2).
    #[must_use]
    pub fn caller_ip(&self) -> Option<&str> {
        self.headers.caller_ip.as_deref()
    }

    /// Returns the region that sent the request (v2), or `None` for a region that this version does not know.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        Region::parse(self.headers.region.as_deref()?)
    }

    /// Returns the message's labels, joined with commas (v2).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.headers.label.as_deref()
    }

    /// Copies the delivery, so that it borrows nothing.
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
