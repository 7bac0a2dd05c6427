//! The HTTP server of a consumer.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use qstash_verify::{Verifier, VerifyError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::answer::Answer;
use super::received::{Received, Recorded};
use super::script::Script;
use crate::connection::{Reset, Resettable, http1};
use crate::delivery::Payload;
use crate::driver::Driver;
use crate::engine::{AccountName, Action, Caller, Command, Reply};

/// The largest body that is read.
const MAX_BODY: usize = 128 << 20;

pub(super) struct Shared {
    pub(super) driver: Driver,
    pub(super) recorded: Arc<Recorded>,
    pub(super) script: Arc<RwLock<Script>>,
    pub(super) trusting: bool,
}

/// Serves until it is aborted; its connections end with it.
pub(super) async fn serve(listener: TcpListener, shared: Shared) {
    let shared = Arc::new(shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                // Out of file descriptors, most likely: some must be given back first.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let (socket, switch) = Resettable::new(stream);
    let service = service_fn(|request| {
        let (shared, switch) = (Arc::clone(&shared), switch.clone());
        async move {
            let answer = shared.answer(request).await;
            if answer.is_err() {
                switch.set();
            }
            answer
        }
    });
    // Whoever sent something else than HTTP knows best.
    let _ = http1().serve_connection(socket, service).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Payload>, Reset> {
        let (parts, body) = request.into_parts();
        // A body that breaks off is not a request.
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|_| Reset)?.to_bytes();
        let under_way = self.driver.toolkit().parking.find(&parts.headers);
        let account = under_way.as_ref().map(|it| it.account.clone());
        let received = Received {
            at: self.driver.now(),
            signature: self.verify(account, &parts.headers, &body).await,
            parts,
            body,
        };
        self.recorded.add(received.clone());
        let answer = if received.signature.is_err() && !self.trusting {
            Answer::status(401)
        } else {
            self.script().answer(&received).await
        };
        let toolkit = self.driver.toolkit();
        match (answer.delay(), under_way) {
            (Some(delay), _) if delay.is_zero() => {}
            (Some(delay), Some(it)) => toolkit.delay(it.attempt, delay).await,
            (Some(delay), None) => tokio::time::sleep(delay).await,
            (None, Some(it)) => toolkit.parking.park(it.attempt, None).await,
            (None, None) => std::future::pending().await,
        }
        answer.into_response()
    }

    fn script(&self) -> Script {
        self.script
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Verifies as a consumer would, with the secrets that are in force now.
    async fn verify(
        &self,
        account: Option<AccountName>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(), VerifyError> {
        let account = account.unwrap_or_else(|| AccountName::new(AccountName::DEFAULT));
        let command = Command {
            caller: Arc::new(Caller::owner(account.as_str())),
            action: Action::SigningSecret,
        };
        let Ok(Reply::SigningSecret(secrets)) = self.driver.call(command).await else {
            return Err(VerifyError::Mismatch);
        };
        let mut keys = Verifier::builder().secret(secrets.current.as_bytes());
        if let Some(previous) = &secrets.previous {
            keys = keys.secret(previous.as_bytes());
        }
        let verifier = keys.build().map_err(|_| VerifyError::Mismatch)?;
        verifier.verify(headers, body)
    }
}
