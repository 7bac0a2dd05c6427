//! The connection pool that carries deliveries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, Error, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use qstash_verify::SigningKey;

use super::{outcome, request};
use crate::driver::wall_time;
use crate::engine::{Attempt, Outcome};

/// More of a response than this is not read to its end: the connection is closed instead.
const MAX_DRAIN: usize = 64 * 1024;
/// Prepared signing keys; more accounts than this prepare theirs anew.
const MAX_KEYS: usize = 1024;

/// Sends attempts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deliverer {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    keys: Arc<Mutex<HashMap<Arc<str>, SigningKey>>>,
}

impl Deliverer {
    pub(crate) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        // Named, because with two providers in the build rustls would not know which one is meant.
        let provider = rustls::crypto::ring::default_provider();
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(provider)
            .expect("ring speaks the default versions of TLS")
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self {
            client,
            keys: Arc::default(),
        }
    }

    /// Delivers once. Takes as long as the consumer takes; drop the future to give up.
    pub(crate) async fn deliver(&self, attempt: &Attempt) -> Outcome {
        match self.send(attempt).await {
            Ok(outcome) => outcome,
            Err(sentence) => outcome::of_failure(sentence),
        }
    }

    async fn send(&self, attempt: &Attempt) -> Result<Outcome, String> {
        let key = self.key(&attempt.secret)?;
        let request = request::build(attempt, &key)?;
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| reason(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = beginning(response).await?;
        Ok(outcome::of_answer(status, &headers, body, wall_time()))
    }

    fn key(&self, secret: &Arc<str>) -> Result<SigningKey, String> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(secret) {
            return Ok(key.clone());
        }
        let key = SigningKey::new(secret.as_bytes()).map_err(|error| error.to_string())?;
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(Arc::clone(secret), key.clone());
        Ok(key)
    }
}

/// The beginning of a response body. The rest is read, within bounds, so that the connection can be
/// used again.
async fn beginning(response: Response<Incoming>) -> Result<Bytes, String> {
    let (mut kept, mut read) = (BytesMut::new(), 0);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|error| format!("the connection broke while the answer was read: {error}"))?;
        if let Some(data) = frame.data_ref() {
            read += data.len();
            let room = Outcome::MAX_BODY - kept.len();
            kept.extend_from_slice(&data[..data.len().min(room)]);
        }
        if read > MAX_DRAIN {
            break;
        }
    }
    Ok(kept.freeze())
}

/// The innermost cause says what happened; what is around it says that something did.
fn reason(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = if error.is_connect() {
        "no connection to the webhook"
    } else {
        "the connection broke"
    };
    format!("{what}: {cause}")
}
