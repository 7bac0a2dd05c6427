#![doc = include_str!("../../docs/tower.md")]

mod answer;
mod guard;
mod replay;
mod verify;

pub use answer::AnswerBody;
pub use guard::{GuardLayer, GuardService};
pub use verify::{VerifyLayer, VerifyService};

use std::future::Future;
use std::pin::Pin;

/// The future that the services of this module return.
pub type ResponseFuture<B, E> = Pin<Box<dyn Future<Output = Result<http::Response<B>, E>> + Send>>;
