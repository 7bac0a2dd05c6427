//! A program on plain hyper, without a framework and without features of ours: it reads the body and asks the verifier
//! itself.
//!
//! Proves that the parts of a request and the errors are enough to write an adapter of one's own.

use std::convert::Infallible;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use qstash_verify::{ConfigError, Verifier, VerifierBuilder, VerifyError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;

fn verifier(keys: VerifierBuilder) -> Result<Verifier, ConfigError> {
    keys.public_origin("https://shop.example")
        .body_limit(1000)
        .build()
}

async fn handle(
    verifier: Verifier,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    Ok(match work(&verifier, &parts, body).await {
        Ok(text) => Response::new(Full::from(text)),
        Err(reason) => verifier.reject(reason, &parts).map(Full::new),
    })
}

async fn work(verifier: &Verifier, parts: &Parts, body: Incoming) -> Result<String, VerifyError> {
    let limit = verifier.body_limit();
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(VerifyError::BodyTooLarge { limit });
        }
        Err(_) => return Err(VerifyError::UnreadableBody),
    };
    let delivery = verifier.verify(parts, &body, verifier.now())?;
    let message = delivery.message_id().unwrap_or("a message");
    Ok(format!("{message} has {} bytes", body.len()))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    verifier: Verifier,
) -> hyper::Result<()> {
    let service = service_fn(|request| handle(verifier.clone(), request));
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = verifier(Verifier::from_env())?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    loop {
        let (stream, _) = listener.accept().await?;
        let served = serve(stream, verifier.clone());
        tokio::spawn(async move {
            if let Err(error) = served.await {
                eprintln!("{error}");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use hyper::client::conn::http1::handshake;
    use qstash_verify::Signer;

    use super::*;

    const KEY: &str = "sig_of_the_account_of_the_shop";
    const SECRET: &str = "the secret of the account of the shop";
    const URL: &str = "https://shop.example/orders?id=42";
    const TARGET: &str = "/orders?id=42";

    /// Sends what `signer` makes of a delivery to `signed_url`, with this request target. Returns status and text of
    /// the answer.
    async fn send(
        signer: &Signer,
        signed_url: &str,
        target: &str,
        body: impl Into<Bytes>,
    ) -> (u16, String) {
        let (client, server) = tokio::io::duplex(10_000);
        let keys = Verifier::builder().current_signing_key(KEY).secret(SECRET);
        tokio::spawn(serve(server, verifier(keys).unwrap()));
        let (mut sender, connection) = handshake(TokioIo::new(client)).await.unwrap();
        tokio::spawn(connection);

        let (mut parts, body) = signer.request(signed_url, body).unwrap().into_parts();
        // The header that nobody should trust says what the sender signed.
        let host = parts.uri.authority().unwrap().as_str().parse().unwrap();
        parts.headers.insert("host", host);
        parts.uri = target.parse().unwrap();
        let request = Request::from_parts(parts, Full::new(body));
        let response = sender.send_request(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn jwt() -> Signer {
        Signer::jwt(KEY).unwrap()
    }

    #[tokio::test]
    async fn a_signed_request_is_accepted_in_both_versions() {
        for signer in [jwt(), Signer::hmac(SECRET).unwrap()] {
            let (status, text) = send(&signer, URL, TARGET, "hello").await;
            assert_eq!((status, text.as_str()), (200, "msg_1 has 5 bytes"));
        }
        // A request line can name the whole URL, as clients of a proxy send it.
        let (status, text) = send(&jwt(), URL, URL, "").await;
        assert_eq!((status, text.as_str()), (200, "msg_1 has 0 bytes"));
    }

    #[tokio::test]
    async fn what_was_signed_for_another_url_is_refused() {
        for (signed_url, target) in [
            (URL, "/refunds?id=42"),
            (URL, "/orders?id=43"),
            (URL, "/orders"),
            (URL, "/orders/?id=42"),
            ("https://other.example/orders?id=42", TARGET),
            (
                "https://other.example/orders?id=42",
                "https://other.example/orders?id=42",
            ),
            ("http://shop.example/orders?id=42", TARGET),
        ] {
            let (status, text) = send(&jwt(), signed_url, target, "hello").await;
            assert_eq!(status, 401, "{signed_url} at {target}: {text}");
        }
    }

    #[tokio::test]
    async fn what_a_foreign_key_signed_is_refused() {
        let foreign = [
            Signer::jwt("sig_of_the_account_of_another"),
            Signer::hmac("the secret of the account of another"),
        ];
        for signer in foreign {
            let (status, text) = send(&signer.unwrap(), URL, TARGET, "hello").await;
            let expected = "the request could not be verified";
            assert_eq!((status, text.as_str()), (401, expected));
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_answered_413() {
        for (size, expected) in [(1000, 200), (1001, 413)] {
            let (status, text) = send(&jwt(), URL, TARGET, vec![b'x'; size]).await;
            assert_eq!(status, expected, "{size} bytes: {text}");
        }
    }
}
