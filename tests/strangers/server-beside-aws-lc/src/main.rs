//! A program that leaves the choice of its cryptography to rustls, which works as long as the whole build has one
//! provider. Its tests use the mock server as a plain dev-dependency, which must not bring a second one.

use rustls::{ClientConfig, RootCertStore};

fn config() -> ClientConfig {
    ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

fn main() {
    println!(
        "{} cipher suites",
        config().crypto_provider().cipher_suites.len()
    );
}

#[cfg(test)]
mod tests {
    use qstash_mock_server::MockServer;
    use serde_json::json;

    #[tokio::test]
    async fn rustls_chooses_the_programs_provider_and_https_deliveries_name_the_feature_that_they_need()
     {
        let server = MockServer::builder()
            .manual_clock(qstash_mock_server::engine::Timestamp::from_millis(0))
            .start()
            .await
            .expect("it starts");
        assert!(!super::config().crypto_provider().cipher_suites.is_empty());
        let call = |path: &str| {
            let url = format!("{}{path}", server.uri());
            reqwest::Client::new().post(url).bearer_auth(server.token())
        };
        let queue = json!({"name": "q", "webhook_url": "https://127.0.0.1:1/", "max_retries": 0});
        let message = json!({"queue": "q", "message": 1});
        for (path, body) in [("/v1/queues", queue), ("/v1/publish", message)] {
            let answer = call(path).json(&body).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{path}");
        }
        server.settle().await.expect("it comes to rest");
        let deliveries = server.deliveries().all();
        let error = deliveries[0].error().expect("it failed");
        assert!(error.contains("feature `tls`"), "{error}");
    }
}
