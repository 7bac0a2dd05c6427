//! The answers of a consumer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::connection::Reset;
use crate::delivery::Payload;

/// How a consumer answers a request. A status code converts into an empty answer: `respond([503, 503, 200])`.
#[derive(Clone, Debug)]
pub struct Answer {
    kind: Kind,
    after: Duration,
}

#[derive(Clone, Debug)]
enum Kind {
    Response {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        broken_off: bool,
    },
    Hang,
    Reset,
}

impl Answer {
    /// An empty answer with this status code.
    ///
    /// # Panics
    /// If `status` is not from 100 to 999.
    #[must_use]
    #[track_caller]
    pub fn status(status: u16) -> Self {
        Self {
            kind: Kind::Response {
                status: StatusCode::from_u16(status).expect("a status code is from 100 to 999"),
                headers: HeaderMap::new(),
                body: Bytes::new(),
                broken_off: false,
            },
            after: Duration::ZERO,
        }
    }

    /// No answer: the attempt fails at its timeout.
    #[must_use]
    pub fn hang() -> Self {
        Self {
            kind: Kind::Hang,
            after: Duration::ZERO,
        }
    }

    /// A reset of the connection instead of an answer.
    #[must_use]
    pub fn reset() -> Self {
        Self {
            kind: Kind::Reset,
            after: Duration::ZERO,
        }
    }

    /// Lets the answer come `delay` later (server's time). Several delays add up.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.after += delay;
        self
    }

    /// Adds a header to the answer.
    ///
    /// # Panics
    /// If `name` or `value` is not valid in HTTP, or if this is [`Answer::hang`] or [`Answer::reset`].
    #[must_use]
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a valid header name");
        let value = HeaderValue::from_str(value).expect("a valid header value");
        match &mut self.kind {
            Kind::Response { headers, .. } => headers.append(name, value),
            Kind::Hang | Kind::Reset => panic!("only an answer with a status has headers"),
        };
        self
    }

    /// Sets the body of the answer.
    ///
    /// # Panics
    /// If this is [`Answer::hang`] or [`Answer::reset`].
    #[must_use]
    #[track_caller]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        match &mut self.kind {
            Kind::Response { body, .. } => *body = bytes.into(),
            Kind::Hang | Kind::Reset => panic!("only an answer with a status has a body"),
        }
        self
    }

    /// Lets the connection break in the middle of the answer's body.
    ///
    /// # Panics
    /// If this is [`Answer::hang`] or [`Answer::reset`].
    #[must_use]
    #[track_caller]
    pub fn broken_off(mut self) -> Self {
        match &mut self.kind {
            Kind::Response { broken_off, .. } => *broken_off = true,
            Kind::Hang | Kind::Reset => panic!("only an answer with a status has a body"),
        }
        self
    }

    /// How long the answer takes; `None` means for ever.
    pub(super) fn delay(&self) -> Option<Duration> {
        match self.kind {
            Kind::Hang => None,
            Kind::Response { .. } | Kind::Reset => Some(self.after),
        }
    }

    pub(super) fn into_response(self) -> Result<Response<Payload>, Reset> {
        let Kind::Response {
            status,
            headers,
            body,
            broken_off,
        } = self.kind
        else {
            return Err(Reset);
        };
        let mut response = Response::new(if broken_off {
            Payload::half(&body)
        } else {
            Payload::whole(body)
        });
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl From<u16> for Answer {
    #[track_caller]
    fn from(status: u16) -> Self {
        Self::status(status)
    }
}

impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        Self::status(status.as_u16())
    }
}
