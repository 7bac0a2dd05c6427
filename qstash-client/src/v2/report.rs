//! What a callback tells its receiver (v2 contract, section 3.10).

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};
use crate::timing::Timestamp;
use crate::types::ids::{DlqId, MessageId, ScheduleId, UrlGroupName};
use crate::types::other::Other;
use crate::v2::fields::{Fields, Headers, Missing, read_by_fields};
use crate::v2::url::origin;

/// The body of a callback or of a failure callback: the outcome of an attempt, and the message that it was made for.
///
/// The service posts it as JSON. [`parse`](Self::parse) reads it from the bytes of the request, and it implements
/// `Deserialize` for frameworks that read JSON themselves. Verify the request first: anybody can send such a body. A
/// field that the service does not tell is `None` or empty.
///
/// `Debug` shows neither bodies nor the values of headers.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct CallbackPayload {
    /// The status code of the consumer's answer; `None` if there was no answer.
    pub status: Option<u16>,
    /// The headers of that answer.
    pub headers: Headers,
    /// The body of that answer, decoded. The service truncates it to the largest message that the plan allows.
    pub body: Bytes,
    /// How many retries preceded the attempt: 0 for the first attempt.
    pub retried: u32,
    /// How often the service retries after the first attempt failed.
    pub max_retries: Option<u32>,
    /// The message's entry in the dead-letter list. Only a failure callback has it.
    pub dlq_id: Option<DlqId>,
    /// The message that was attempted. The callback itself is another message with an id of its own.
    pub source_message_id: MessageId,
    /// The URL that the message went to.
    pub url: String,
    /// The HTTP method of the attempt.
    pub method: Option<Method>,
    /// The headers that were forwarded to the consumer, and the content type.
    pub source_headers: Headers,
    /// The body of the message, decoded.
    pub source_body: Bytes,
    /// The URL group that the message was published to.
    pub url_group: Option<UrlGroupName>,
    /// The endpoint's name in that group.
    pub endpoint: Option<String>,
    /// The schedule that made the message.
    pub schedule_id: Option<ScheduleId>,
    /// When the message was due.
    pub not_before: Option<Timestamp>,
    /// When the message was published.
    pub created_at: Option<Timestamp>,
    /// The IP address that published the message.
    pub caller_ip: Option<String>,
    /// Fields that this version does not know or could not read.
    pub other: Other,
}

impl CallbackPayload {
    /// Reads the body of a callback's request.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when the bytes are not a JSON object, when `sourceMessageId` is missing, and when
    /// `body` or `sourceBody` is not base64. The error names the field and shows no values.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(bytes).map_err(|error| {
            let reason = "the request's body is not the report of a callback";
            Error::new(ErrorKind::Decode, "read a callback", reason).with_source(error)
        })
    }

    /// Returns whether the consumer answered with success, a status from 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }

    /// Returns whether this is the report of a failure callback: the message has run out of retries, and is a dead
    /// letter.
    #[must_use]
    pub fn is_dead_letter(&self) -> bool {
        self.dlq_id.is_some()
    }

    /// Returns whether no attempt follows: this one succeeded, was the last retry, or left a dead letter. It does not
    /// know of an answer that forbids retries, nor of a message that was cancelled.
    #[must_use]
    pub fn is_last(&self) -> bool {
        let out = self.max_retries.is_some_and(|max| self.retried >= max);
        self.is_success() || self.is_dead_letter() || out
    }

    /// Reads the body of the consumer's answer as JSON.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when the body does not have the shape of the type.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode("the answer in a callback", &self.body)
    }

    /// Reads the body of the message as JSON.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) when the body does not have the shape of the type.
    pub fn source_json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode("the message in a callback", &self.source_body)
    }

    fn read(mut fields: Fields) -> Result<Self, Missing> {
        Ok(Self {
            source_message_id: fields.need("sourceMessageId")?,
            body: fields.need_base64("body")?,
            source_body: fields.need_base64("sourceBody")?,
            status: fields.status("status"),
            headers: fields.headers("header").unwrap_or_default(),
            retried: fields.number("retried").unwrap_or_default(),
            max_retries: fields.number("maxRetries"),
            dlq_id: fields.parsed("dlqId"),
            url: fields.text("url").unwrap_or_default(),
            method: fields.parsed("method"),
            source_headers: fields.headers("sourceHeader").unwrap_or_default(),
            url_group: fields.parsed("topicName"),
            endpoint: fields.text("endpointName"),
            schedule_id: fields.parsed("scheduleId"),
            not_before: fields.time("notBefore"),
            created_at: fields.time("createdAt"),
            caller_ip: fields.caller_ip(),
            other: fields.rest(),
        })
    }
}

read_by_fields!(CallbackPayload);

fn decode<T: DeserializeOwned>(what: &str, body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        let reason = "it does not have the expected shape";
        Error::new(ErrorKind::Decode, &format!("read {what}"), reason).with_source(error)
    })
}

impl std::fmt::Debug for CallbackPayload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackPayload")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("retried", &self.retried)
            .field("max_retries", &self.max_retries)
            .field("dlq_id", &self.dlq_id)
            .field("source_message_id", &self.source_message_id)
            .field("url", &origin(&self.url))
            .field("source_body_bytes", &self.source_body.len())
            .field("schedule_id", &self.schedule_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample of the service's documentation, where times are texts and the source's headers plain ones.
    const SAMPLE: &str = r#"{"status":200,"header":{"key":["value"]},"body":"YmFzZTY0IGVuY29kZWQ=","retried":2,
        "maxRetries":3,"sourceMessageId":"msg_xxx","topicName":"myTopic","endpointName":"myEndpoint",
        "url":"http://myurl.com/s3cret","method":"GET","sourceHeader":{"key":"s3cret"},"sourceBody":"eyJuIjo3fQ==",
        "notBefore":"1701198458025","createdAt":"1701198447054","scheduleId":"scd_xxx","callerIP":"178.247.74.179",
        "brandNew":1}"#;

    #[test]
    fn the_documented_sample_is_read_whole() {
        let payload = CallbackPayload::parse(SAMPLE.as_bytes()).expect("valid");
        assert_eq!(
            (payload.status, payload.retried, payload.max_retries),
            (Some(200), 2, Some(3))
        );
        assert_eq!(payload.body, "base64 encoded");
        assert_eq!(payload.headers["key"], ["value"]);
        assert_eq!(payload.source_message_id.as_str(), "msg_xxx");
        assert_eq!(payload.source_headers["key"], ["s3cret"]);
        assert_eq!(
            payload.source_json::<serde_json::Value>().expect("JSON")["n"],
            7
        );
        assert_eq!(payload.method, Some(Method::GET));
        let millis = payload.created_at.map(Timestamp::as_millis);
        assert_eq!(millis, Some(1_701_198_447_054));
        assert_eq!(payload.other.keys().collect::<Vec<_>>(), ["brandNew"]);
        assert!(payload.is_success() && payload.is_last() && !payload.is_dead_letter());
        let shown = format!("{payload:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("base64"),
            "{shown}"
        );
    }

    #[test]
    fn a_report_without_an_answer_has_no_status_and_an_empty_body() {
        let text = r#"{"status":0,"sourceMessageId":"m","retried":3,"maxRetries":3,"dlqId":"1-0"}"#;
        let payload = CallbackPayload::parse(text.as_bytes()).expect("valid");
        assert_eq!((payload.status, payload.body.len()), (None, 0));
        assert!(payload.is_dead_letter() && payload.is_last() && !payload.is_success());
        let next = r#"{"status":500,"sourceMessageId":"m","retried":1,"maxRetries":3}"#;
        assert!(
            !CallbackPayload::parse(next.as_bytes())
                .expect("valid")
                .is_last()
        );
    }

    #[test]
    fn what_is_no_report_is_an_error_that_names_the_field_and_shows_nothing() {
        for (text, named) in [
            ("s3cret", "not the report of a callback"),
            (r#"{"order":"s3cret"}"#, "`sourceMessageId`"),
            (r#"{"sourceMessageId":""}"#, "`sourceMessageId`"),
            (r#"{"sourceMessageId":"m","body":"%s3cret"}"#, "`body`"),
            (
                r#"{"sourceMessageId":"m","sourceBody":{"s3cret":1}}"#,
                "`sourceBody`",
            ),
        ] {
            let error = CallbackPayload::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Decode);
            let text = format!("{error} {error:?}");
            assert!(text.contains(named) && !text.contains("s3cret"), "{text}");
        }
    }
}
