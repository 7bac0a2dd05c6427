//! Shared by the examples.

use axum::Router;

/// Whatever ends an example early; printed by `main`, which then exits with 1.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Serves `app` on a free port of 127.0.0.1 until the program ends; its address, without a path.
///
/// # Errors
/// No port is free.
pub async fn serve(app: Router) -> Result<String, Failure> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

/// An example checks what it shows.
///
/// # Errors
/// What was expected, if it does not hold.
pub fn ensure(holds: bool, expectation: &str) -> Result<(), Failure> {
    if holds {
        Ok(())
    } else {
        Err(format!("not so: {expectation}").into())
    }
}

/// The testing guide, whose code is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../docs/testing.md")]
pub struct TestingGuide;
