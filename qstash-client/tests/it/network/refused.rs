//! What is refused before anything is sent.

#[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
use qstash_client::transport::Reqwest;
use qstash_client::{Client, ErrorKind, TlsBackend};

use crate::fake::Fake;

#[test]
fn https_is_refused_when_the_client_is_built_without_tls() {
    let built = Client::builder()
        .base_url("https://qstash.upstash.io")
        .build();
    if cfg!(any(
        feature = "rustls-ring",
        feature = "rustls-aws-lc",
        feature = "native-tls"
    )) {
        built.expect("there is TLS");
    } else {
        let error = built.expect_err("no TLS, or no provider for it");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("`rustls-aws-lc`"), "{error}");
    }
}

#[cfg(not(any(feature = "rustls-no-provider", feature = "native-tls")))]
#[tokio::test]
async fn https_over_a_transport_without_tls_is_not_tried() {
    let transport = Reqwest::new(std::time::Duration::from_secs(5)).expect("valid");
    let builder = Client::builder().base_url("https://localhost:1");
    let client = builder.transport(transport).build().expect("valid");
    let error = client.v1().metrics().send().await.expect_err("no TLS");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("needs TLS"), "{error}");
}

#[test]
fn a_backend_whose_feature_is_off_is_refused() {
    for (backend, on) in [
        (
            TlsBackend::Rustls,
            cfg!(any(feature = "rustls-ring", feature = "rustls-aws-lc")),
        ),
        (TlsBackend::NativeTls, cfg!(feature = "native-tls")),
    ] {
        let builder = Client::builder()
            .base_url("http://localhost")
            .tls_backend(backend);
        assert_eq!(builder.build().is_ok(), on, "{backend:?}");
    }
}

#[test]
fn settings_that_a_transport_of_ones_own_would_not_heed_are_refused() {
    let builder = || Fake::new([]).builder();
    for (builder, named) in [
        (builder().root_certificates("x"), "root_certificates"),
        (builder().proxy("http://p:1"), "proxy"),
        (builder().no_proxy(), "no_proxy"),
        (builder().tls_backend(TlsBackend::Rustls), "tls_backend"),
    ] {
        let error = builder.build().expect_err(named);
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(named), "{error}");
    }
}
