#![doc = include_str!("../../docs/tower.md")]

mod guard;
mod verify;

pub use guard::{GuardLayer, GuardService};
pub use verify::{VerifyLayer, VerifyService};

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{Either, Full};

/// The body of an answer: that of the inner service, or one that was made here.
pub type ResponseBody<B> = Either<B, Full<Bytes>>;

/// The future of a service of this module.
pub type ResponseFuture<B, E> =
    Pin<Box<dyn Future<Output = Result<http::Response<ResponseBody<B>>, E>> + Send>>;
