//! What a person sees of an error that a program does not handle: the sentence, and no struct.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Termination as _};

use qstash_client::transport::TransportError;
use qstash_client::v2::Group;
use qstash_client::{ApiError, Client, Error};

use crate::fake::{Fake, Step, answer, ok};

const REFUSED: &str = "could not read the metrics: no connection to q.test:80 could be made: refused (after 4 retries)";

async fn failed(steps: impl IntoIterator<Item = Step>) -> Error {
    let call = Fake::new(steps).client().v1().metrics().send().await;
    call.expect_err("the script says so")
}

/// What the panic says when this result is unwrapped.
fn unwrapped<E: Debug>(result: Result<(), E>) -> String {
    panics(|| result.unwrap())
}

/// What the panic says when this result is expected to be there.
fn expected<E: Debug>(result: Result<(), E>) -> String {
    panics(|| result.expect("metrics"))
}

fn panics(program: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(program)).expect_err("it panics");
    panic.downcast_ref::<String>().cloned().expect("a text")
}

#[tokio::test(start_paused = true)]
async fn the_debug_text_of_an_error_is_its_sentence() {
    let refused = failed([(); 5].map(|()| Step::NeverLeft)).await;
    assert_eq!(refused.to_string(), REFUSED);
    let coded = r#"{"error":"no such queue","code":"queue_not_found"}"#;
    for error in [
        refused,
        failed([answer(404, coded)]).await,
        failed([answer(400, "")]).await,
        failed([ok("no JSON")]).await,
        Client::builder().build().expect_err("no base URL"),
        "a b"
            .parse::<qstash_client::QueueName>()
            .expect_err("no name"),
    ] {
        let sentence = error.to_string();
        assert!(sentence.starts_with("could not "), "{sentence}");
        assert_eq!(format!("{error:?}"), sentence);
        assert_eq!(format!("{error:#?}"), sentence);
        let boxed: Box<dyn StdError + Send + Sync> = Box::new(error);
        assert_eq!(format!("{boxed:?}"), sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn unwrap_and_expect_show_the_sentence() {
    let error = failed([(); 5].map(|()| Step::NeverLeft)).await;
    let (one, other) = (
        error.clone(),
        Box::<dyn StdError + Send + Sync>::from(error),
    );
    let text = unwrapped(Err(one));
    let said = "called `Result::unwrap()` on an `Err` value";
    assert_eq!(text, format!("{said}: {REFUSED}"));
    let text = expected(Err(other));
    assert_eq!(text, format!("metrics: {REFUSED}"));
}

/// `main` prints with what the standard library calls `Termination`. What is printed cannot be caught in this process,
/// so this test starts itself again in one of its own.
#[tokio::test(start_paused = true)]
async fn a_main_that_returns_the_error_shows_the_sentence() {
    const CHILD: &str = "QSTASH_CLIENT_TEST_RETURNS";
    let error = failed([(); 5].map(|()| Step::NeverLeft)).await;
    match std::env::var(CHILD).as_deref() {
        Ok("the error") => drop(Err::<(), _>(error).report()),
        Ok(_) => drop(Err::<(), Box<dyn StdError>>(error.into()).report()),
        Err(_) => {
            for returned in ["the error", "a box"] {
                let mut child = Command::new(std::env::current_exe().expect("a path"));
                let name = "shown::a_main_that_returns_the_error_shows_the_sentence";
                child.args(["--exact", name, "--nocapture"]);
                let output = child.env(CHILD, returned).output().expect("it starts");
                let said = String::from_utf8_lossy(&output.stderr);
                let line = format!("Error: {REFUSED}");
                assert!(said.lines().any(|said| said == line), "{said}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn control_characters_of_the_server_are_escaped() {
    for body in [
        "plain\u{1b}[31m text\nnext",
        r#"{"error":"plain\u001b[31m text\nnext","code":"a\u0007"}"#,
    ] {
        let error = failed([answer(400, body)]).await;
        let api = error.api().expect("the server said why").clone();
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{api} {api:?}"),
        ] {
            assert!(!text.contains(char::is_control), "{text:?}");
            assert!(text.contains(r"plain\u{1b}[31m text\nnext"), "{text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_said_of_one_item_is_shown_as_it_said_it() {
    let answered = r#"[{"messageId":"msg_1"},{"error":"quota exceeded"}]"#;
    let client = Fake::new([ok(answered)]).client();
    let publish = client.v2().publish(Group("orders")).body("x");
    let results = publish.send().await.expect("answered");
    let error = results
        .into_iter()
        .find_map(Result::err)
        .expect("one failed");
    assert_eq!(
        format!("{error:?} {error}"),
        "quota exceeded quota exceeded"
    );
    let mut error = ApiError::default();
    assert_eq!(format!("{error:?}"), "the server gave no reason");
    error.message = "must be text".to_owned();
    error.code = Some("invalid_field".to_owned());
    error.field = Some("$.key".to_owned());
    assert_eq!(error.to_string(), "must be text (invalid_field)");
    assert_eq!(
        format!("{error:?}"),
        "must be text (invalid_field) at $.key"
    );
}

#[test]
fn an_error_of_a_transport_is_shown_with_its_cause_and_without_paths() {
    let cause = || "reset by http://u:s3cret@h:1/s3cret?k=s3cret";
    for (error, sentence) in [
        (
            TransportError::refused(cause()),
            "the request cannot be sent as it is: reset by http://h:1",
        ),
        (
            TransportError::never_left(cause()),
            "no connection could be made: reset by http://h:1",
        ),
        (
            TransportError::untrusted(cause()),
            "the server's certificate is not accepted: reset by http://h:1",
        ),
        (
            TransportError::broken(cause()),
            "the exchange broke off: reset by http://h:1",
        ),
    ] {
        let boxed: Box<dyn StdError> = Box::new(error);
        assert_eq!(format!("{boxed:?}"), sentence);
        // One level of a chain; a reporter that prints the chain prints the cause below it.
        assert!(sentence.starts_with(&boxed.to_string()) && boxed.source().is_some());
    }
}

#[cfg(any(
    feature = "rustls-ring",
    feature = "rustls-aws-lc",
    feature = "native-tls"
))]
#[tokio::test]
async fn over_a_real_connection_the_panic_names_host_port_and_cause() {
    let builder = Client::builder().base_url("http://127.0.0.1:1");
    let client = builder
        .retry(qstash_client::RetryPolicy::none())
        .build()
        .expect("valid");
    let error = client
        .v1()
        .metrics()
        .send()
        .await
        .expect_err("nobody listens");
    let text = unwrapped(Err(error));
    let place = "no connection to 127.0.0.1:1 could be made: ";
    assert!(text.contains(place) && text.contains("refused"), "{text}");
    assert!(!text.contains('{') && !text.contains('\n'), "{text}");
}
