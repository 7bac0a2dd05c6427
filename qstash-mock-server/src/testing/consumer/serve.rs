//! The HTTP server of a consumer.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
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
use crate::engine::{AccountName, Caller, Command, KeyAction, Reply};

/// The largest body that a consumer reads.
const MAX_BODY: usize = 128 << 20;

pub(super) struct Shared {
    pub(super) driver: Driver,
    pub(super) recorded: Arc<Recorded>,
    pub(super) script: Arc<RwLock<Script>>,
    pub(super) trusting: bool,
}

/// Serves until the task is aborted, which also ends its connections.
pub(super) async fn serve(listener: TcpListener, shared: Shared) {
    let shared = Arc::new(shared);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                // Most likely there are no file descriptors left: wait until some are closed.
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
    // The peer did not send valid HTTP, so nobody needs to be told.
    let _ = http1().serve_connection(socket, service).await;
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Payload>, Reset> {
        let (parts, body) = request.into_parts();
        // A request whose body breaks off is not recorded.
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body.map_err(|_| Reset)?.to_bytes();
        let under_way = self.driver.instruments().parking.find(&parts.headers);
        let account = under_way.as_ref().map(|it| it.account.clone());
        let received = Received {
            at: self.driver.now(),
            signature: self.verify(account, &parts, &body).await,
            parts,
            body,
        };
        self.recorded.add(received.clone());
        let answer = if received.signature.is_err() && !self.trusting {
            Answer::status(401)
        } else {
            self.script().answer(&received).await
        };
        let instruments = self.driver.instruments();
        match (answer.delay(), under_way) {
            (Some(delay), _) if delay.is_zero() => {}
            (Some(delay), Some(it)) => instruments.delay(it.attempt, delay).await,
            (Some(delay), None) => tokio::time::sleep(delay).await,
            (None, Some(it)) => instruments.parking.park(it.attempt, None).await,
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

    /// Verifies the signature as a consumer would, with the secrets and keys that are in force now.
    async fn verify(
        &self,
        account: Option<AccountName>,
        parts: &Parts,
        body: &[u8],
    ) -> Result<(), VerifyError> {
        let account = account.unwrap_or_else(|| AccountName::new(AccountName::DEFAULT));
        let caller = Arc::new(Caller::owner(account.as_str()));
        let ask = |action: KeyAction| {
            self.driver.call(Command {
                caller: Arc::clone(&caller),
                action: action.into(),
            })
        };
        // Fails only once the server is stopped.
        let missing = || VerifyError::MissingSignature;
        let Ok(Reply::SigningSecret(secrets)) = ask(KeyAction::Secret).await else {
            return Err(missing());
        };
        let Ok(Reply::SigningKeys(keys)) = ask(KeyAction::Keys).await else {
            return Err(missing());
        };
        let verifier = Verifier::builder()
            .secret(secrets.current.as_bytes())
            .secrets(secrets.previous.iter().map(|it| it.as_bytes()))
            .current_signing_key(keys.current.as_bytes())
            .next_signing_key(keys.next.as_bytes())
            .dangerously_accept_any_url()
            .body_limit(MAX_BODY)
            .build()
            .map_err(|_| missing())?;
        let now = self.driver.instruments().signature_time(self.driver.now());
        let now = qstash_verify::Timestamp::from_millis(now.as_millis());
        verifier.verify(parts, body, now).map(drop)
    }
}
