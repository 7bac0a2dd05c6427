//! Consumers with https: the settings that say whose certificates are trusted.

#[path = "../../../qstash-client/tests/it/network/server.rs"]
mod consumer;

use serde_json::{Value, json};
use tokio::process::Command;

use self::consumer::{GOOD, ROOT};
use crate::binary::{Server, program, refusal};

/// Delivers a message to a consumer whose root the system does not know. Returns the error of the only attempt.
async fn delivered(mut command: Command) -> Result<(), String> {
    let consumer = consumer::Server::start(GOOD);
    command.args(["--manual-clock", "--port", "0"]);
    let server = Server::start(command).await;
    let webhook = format!("https://127.0.0.1:{}/", consumer.port);
    let queue = json!({"name": "q", "webhook_url": webhook, "max_retries": 0});
    assert_eq!(server.post("/v1/queues", &queue).await.status(), 201);
    let message = json!({"queue": "q", "message": 1});
    let published: Value = server
        .post("/v1/publish", &message)
        .await
        .json()
        .await
        .unwrap();
    let settled = server.post("/_admin/settle", &json!({})).await;
    assert!(settled.status().is_success(), "{settled:?}");
    let id = published["message_id"].as_str().unwrap();
    let path = format!("{}/v1/messages/{id}", server.url);
    let request = reqwest::Client::new().get(path).bearer_auth(server.token());
    let message: Value = request.send().await.unwrap().json().await.unwrap();
    match message["attempts"][0]["error"].as_str() {
        None => {
            assert_eq!(message["state"], "delivered", "{message}");
            consumer.suite();
            assert_eq!(consumer.connections(), 1);
            Ok(())
        }
        Some(error) => Err(error.to_owned()),
    }
}

#[tokio::test]
async fn a_certificate_is_trusted_by_file_by_environment_or_because_it_is_of_this_computer() {
    let name = format!("qstash-root-{}.pem", std::process::id());
    let root = std::env::temp_dir().join(name).display().to_string();
    std::fs::write(&root, ROOT).unwrap();
    let mut system = program(&[]);
    system.env("SSL_CERT_FILE", &root);
    let mut environment = program(&[]);
    environment.env("QSTASH_MOCK_CACERT", &root);
    for command in [
        program(&["--cacert", &root]),
        environment,
        system,
        program(&["--insecure"]),
    ] {
        assert_eq!(delivered(command).await, Ok(()));
    }
    let error = delivered(program(&[])).await.unwrap_err();
    assert!(
        error.contains("--cacert") && error.contains("--insecure"),
        "{error}"
    );
    let mut rootless = program(&[]);
    rootless.env("SSL_CERT_FILE", "/nowhere/ca.pem");
    let error = delivered(rootless).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    let error = delivered(program(&["--insecure=off"])).await.unwrap_err();
    assert!(error.contains("UnknownIssuer"), "{error}");
    std::fs::remove_file(&root).unwrap();
}

#[tokio::test]
async fn a_file_without_certificates_is_refused_at_the_start() {
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let said = refusal(program(&["--cacert", text])).await;
    assert!(said.contains("`cacert` names"), "{said}");
    assert!(said.contains("there is no certificate in PEM"), "{said}");
    let said = refusal(program(&["--cacert", "/nowhere/ca.pem"])).await;
    assert!(
        said.contains("`cacert` names /nowhere/ca.pem, which cannot be read"),
        "{said}"
    );
}
