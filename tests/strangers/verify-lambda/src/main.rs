//! A function that a platform calls with an event in JSON, without a server: it reads the event from its standard input
//! and writes the answer.
//!
//! Proves that method, URI and headers, put together from texts, are enough for the verifier, and that it wants the
//! bytes that the platform has perhaps wrapped in base64.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Uri};
use qstash_verify::{ConfigError, Verifier, VerifierBuilder};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    method: String,
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    headers: HashMap<String, String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    body: String,
}

impl Answer {
    fn new(status_code: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self { status_code, body }
    }
}

struct Received {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl TryFrom<Event> for Received {
    type Error = Box<dyn std::error::Error>;

    fn try_from(event: Event) -> Result<Self, Self::Error> {
        let uri = match event.raw_query_string.as_str() {
            "" => event.raw_path,
            query => format!("{}?{query}", event.raw_path),
        };
        let body = if event.is_base64_encoded {
            STANDARD.decode(event.body)?
        } else {
            event.body.into_bytes()
        };
        Ok(Self {
            method: event.method.parse()?,
            uri: uri.parse()?,
            headers: HeaderMap::try_from(&event.headers)?,
            body,
        })
    }
}

fn verifier(keys: VerifierBuilder) -> Result<Verifier, ConfigError> {
    keys.public_origin("https://shop.example")
        .body_limit(1000)
        .build()
}

fn handle(verifier: &Verifier, event: Event) -> Answer {
    let Ok(received) = Received::try_from(event) else {
        return Answer::new(400, "the event is no request");
    };
    let head = (&received.method, &received.uri, &received.headers);
    match verifier.verify(head, &received.body, verifier.now()) {
        Ok(delivery) => {
            let message = delivery.message_id().unwrap_or("a message");
            Answer::new(200, format!("{message} has {} bytes", received.body.len()))
        }
        Err(reason) => {
            // For the log; a caller without a key need not know.
            eprintln!("{reason}");
            Answer::new(reason.status().as_u16(), "refused")
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = verifier(Verifier::from_env())?;
    let event = serde_json::from_reader(std::io::stdin())?;
    let answer = handle(&verifier, event);
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use qstash_verify::Signer;
    use serde_json::{Value, json};

    use super::*;

    const KEY: &str = "sig_of_the_account_of_the_shop";
    const SECRET: &str = "the secret of the account of the shop";
    const URL: &str = "https://shop.example/orders?id=42";

    /// The event that a gateway makes of a delivery of `body`. It wraps in base64 what is no text.
    fn event(signer: &Signer, signed_url: &str, body: impl Into<Vec<u8>>) -> Value {
        let signed = signer.request(signed_url, body.into()).unwrap();
        let headers = signed.headers().iter();
        let headers: HashMap<_, _> = headers
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect();
        let text = str::from_utf8(signed.body());
        json!({
            "method": "POST",
            "rawPath": "/orders",
            "rawQueryString": "id=42",
            "headers": headers,
            "body": text.map_or_else(|_| STANDARD.encode(signed.body()), str::to_owned),
            "isBase64Encoded": text.is_err(),
            "requestContext": {"sourceIp": "192.0.2.1"},
        })
    }

    fn call(event: Value) -> Answer {
        let keys = Verifier::builder().current_signing_key(KEY).secret(SECRET);
        let event = serde_json::from_value(event).unwrap();
        handle(&verifier(keys).unwrap(), event)
    }

    fn jwt() -> Signer {
        Signer::jwt(KEY).unwrap()
    }

    fn accepted(size: usize) -> Answer {
        Answer::new(200, format!("msg_1 has {size} bytes"))
    }

    #[test]
    fn a_signed_event_is_accepted_with_a_body_of_text_and_of_bytes() {
        let hmac = || Signer::hmac(SECRET).unwrap();
        for signer in [jwt, hmac] {
            assert_eq!(call(event(&signer(), URL, "grüße")), accepted(7));
            assert_eq!(call(event(&signer(), URL, [0xff, 0, 10])), accepted(3));
        }
        // Some gateways wrap texts as well, and leave an empty body out.
        let mut wrapped = event(&jwt(), URL, "hello");
        wrapped["body"] = "aGVsbG8=".into();
        wrapped["isBase64Encoded"] = true.into();
        assert_eq!(call(wrapped), accepted(5));
        let mut empty = event(&jwt(), URL, "");
        empty.as_object_mut().unwrap().remove("body");
        assert_eq!(call(empty), accepted(0));
    }

    #[test]
    fn the_bytes_count_and_not_the_text_around_them() {
        let mut wrapped = event(&jwt(), URL, [0xff, 0, 10]);
        wrapped["isBase64Encoded"] = false.into();
        assert_eq!(call(wrapped).status_code, 401);
        let mut broken = event(&jwt(), URL, [0xff, 0, 10]);
        broken["body"] = "no base64".into();
        assert_eq!(call(broken).status_code, 400);
    }

    #[test]
    fn the_names_of_headers_are_read_in_any_letter_case() {
        let mut event = event(&jwt(), URL, "hello");
        let headers = event["headers"].as_object_mut().unwrap();
        let token = headers.remove("upstash-signature").unwrap();
        headers.insert("Upstash-Signature".to_owned(), token);
        assert_eq!(call(event), accepted(5));
    }

    #[test]
    fn what_was_signed_for_another_url_is_refused() {
        for signed_url in [
            "https://other.example/orders?id=42",
            "https://shop.example/refunds?id=42",
            "https://shop.example/orders?id=43",
            "https://shop.example/orders",
        ] {
            let answer = call(event(&jwt(), signed_url, "hello"));
            assert_eq!(answer, Answer::new(401, "refused"), "{signed_url}");
        }
        for (field, value) in [("rawPath", "/refunds"), ("rawQueryString", "")] {
            let mut event = event(&jwt(), URL, "hello");
            event[field] = value.into();
            assert_eq!(call(event), Answer::new(401, "refused"), "{field}");
        }
    }

    #[test]
    fn what_a_foreign_key_signed_or_nobody_is_refused() {
        let foreign = [
            Signer::jwt("sig_of_the_account_of_another"),
            Signer::hmac("the secret of the account of another"),
        ];
        for signer in foreign {
            let answer = call(event(&signer.unwrap(), URL, "hello"));
            assert_eq!(answer, Answer::new(401, "refused"));
        }
        let mut unsigned = event(&jwt(), URL, "hello");
        unsigned["headers"] = json!({"content-type": "application/json"});
        assert_eq!(call(unsigned), Answer::new(401, "refused"));
    }

    #[test]
    fn a_body_over_the_limit_is_answered_413() {
        assert_eq!(call(event(&jwt(), URL, "x".repeat(1000))), accepted(1000));
        let answer = call(event(&jwt(), URL, "x".repeat(1001)));
        assert_eq!(answer.status_code, 413);
        // In base64 it is longer, but its bytes are within the limit.
        assert_eq!(call(event(&jwt(), URL, vec![0xff; 1000])), accepted(1000));
        let answer = call(event(&jwt(), URL, vec![0xff; 1001]));
        assert_eq!(answer.status_code, 413);
    }
}
