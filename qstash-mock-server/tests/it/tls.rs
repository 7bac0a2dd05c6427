//! Deliveries by https.

#[path = "../../../qstash-client/tests/it/network/server.rs"]
mod consumer;

use qstash_mock_server::testing::Delivery;
use qstash_mock_server::{MockServer, MockServerBuilder, RootCertificates, RootsError};

use self::consumer::{GOOD, ROOT, Server};
use crate::support::Api;
use crate::testing::START;

const OTHER_NAME: &[u8] =
    include_bytes!("../../../qstash-client/tests/it/network/certificates/other_name.pem");
const SELF_SIGNED: &[u8] =
    include_bytes!("../../../qstash-client/tests/it/network/certificates/self_signed.pem");

/// As `openssl req -x509` makes it.
const SELF_SIGNED_AUTHORITY: &[u8] = include_bytes!(
    "../../../qstash-client/tests/it/network/certificates/self_signed_authority.pem"
);

/// The only attempt to deliver a message to a consumer on this computer.
async fn deliver(builder: MockServerBuilder, url: &str) -> Delivery {
    let server = builder.manual_clock(START).start().await.unwrap();
    let api = Api::over(server);
    let queue = format!(r#"{{"name":"q","webhook_url":"{url}","max_retries":0}}"#);
    api.post("/v1/queues", queue).await;
    api.publish("q", "1").await;
    api.server.settle().await.unwrap();
    let [delivery] = &api.server.deliveries().all()[..] else {
        panic!("one attempt");
    };
    delivery.clone()
}

fn trusting_root() -> MockServerBuilder {
    MockServer::builder().root_certificates(RootCertificates::from_pem(ROOT).unwrap())
}

#[tokio::test]
async fn a_consumer_whose_root_was_given_is_trusted_by_its_names_alone() {
    let consumer = Server::start(GOOD);
    let url = |host: &str| format!("https://{host}:{}/hook", consumer.port);
    for host in ["127.0.0.1", "localhost"] {
        let delivery = deliver(trusting_root(), &url(host)).await;
        assert!(delivery.is_delivered(), "{:?}", delivery.error());
        consumer.suite();
    }
    let route = format!("https://app.example.com={}", url("127.0.0.1"));
    let routed = trusting_root().route(route.parse().unwrap());
    let delivery = deliver(routed, "https://app.example.com").await;
    assert!(delivery.is_delivered(), "{:?}", delivery.error());
    assert_eq!(consumer.connections(), 3);
    let other = Server::start(OTHER_NAME);
    let url = format!("https://127.0.0.1:{}/", other.port);
    let delivery = deliver(trusting_root(), &url).await;
    let error = delivery.error().unwrap();
    assert!(
        error.starts_with("the certificate is not trusted"),
        "{error}"
    );
}

#[tokio::test]
async fn a_given_certificate_is_trusted_itself_for_its_names_though_it_is_marked_as_an_authority() {
    let own = RootCertificates::from_pem(SELF_SIGNED_AUTHORITY).unwrap();
    let trusting = || MockServer::builder().root_certificates(own.clone());
    let consumer = Server::start(SELF_SIGNED_AUTHORITY);
    let url = |host: &str| format!("https://{host}:{}/", consumer.port);
    let delivery = deliver(trusting(), &url("127.0.0.1")).await;
    assert!(delivery.is_delivered(), "{:?}", delivery.error());
    consumer.suite();
    // The address is the same, but the certificate does not name it like this.
    let delivery = deliver(trusting(), &url("[::ffff:127.0.0.1]")).await;
    let error = delivery.error().unwrap();
    assert!(error.contains("not valid for name"), "{error}");
    let delivery = deliver(trusting_root(), &url("127.0.0.1")).await;
    assert!(delivery.is_failed(), "another root was given");
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_and_the_error_says_what_to_do() {
    let consumer = Server::start(GOOD);
    let url = format!("https://127.0.0.1:{}/", consumer.port);
    let delivery = deliver(MockServer::builder(), &url).await;
    let error = delivery.error().unwrap();
    assert_eq!(
        error,
        "the certificate is not trusted: invalid peer certificate: UnknownIssuer (see `--cacert`, and `--insecure` for \
         this computer)"
    );
}

#[tokio::test]
async fn any_certificate_of_this_computer_is_accepted_where_that_was_asked_for() {
    let consumer = Server::start(SELF_SIGNED);
    let url = format!("https://127.0.0.1:{}/", consumer.port);
    let refused = deliver(trusting_root(), &url).await;
    assert!(refused.is_failed());
    let delivery = deliver(MockServer::builder().insecure(true), &url).await;
    assert!(delivery.is_delivered(), "{:?}", delivery.error());
    consumer.suite();
}

#[tokio::test]
async fn a_consumer_that_does_not_speak_tls_is_told_as_such() {
    let api = Api::start().await;
    let url = api.server.uri().replace("http://", "https://");
    let delivery = deliver(MockServer::builder(), &url).await;
    let error = delivery.error().unwrap();
    assert!(error.starts_with("could not connect: "), "{error}");
}

#[test]
fn a_text_without_certificates_is_refused_with_the_reason() {
    let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let empty = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = &ROOT[..ROOT.len() / 2];
    for (pem, error) in [
        (&b""[..], RootsError::None),
        (b"not PEM", RootsError::None),
        (key, RootsError::None),
        (empty, RootsError::Malformed(1)),
        (&[ROOT, empty].concat(), RootsError::Malformed(2)),
    ] {
        assert_eq!(RootCertificates::from_pem(pem), Err(error));
    }
    assert!(RootCertificates::from_pem(cut).is_err());
    assert!(RootCertificates::from_pem([key, ROOT].concat()).is_ok());
    assert!(RootCertificates::from_pem([b"\xef\xbb\xbf", ROOT].concat()).is_ok());
}
