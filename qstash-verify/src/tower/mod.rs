#![doc = include_str!("../../docs/tower.md")]

mod guard;
mod verify;

pub use guard::{GuardLayer, GuardService};
pub use verify::{VerifyLayer, VerifyService};

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http_body_util::{Either, Full};

/// The body of an answer, made by the inner service or by the layer.
pub type ResponseBody<B> = Either<B, Full<Bytes>>;

/// The future that the services of this module return.
pub type ResponseFuture<B, E> =
    Pin<Box<dyn Future<Output = Result<http::Response<ResponseBody<B>>, E>> + Send>>;
