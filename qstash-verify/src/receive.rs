//! How the adapters on the types of `http` take a request in.

use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::{Verifier, VerifyError};

/// Reads and verifies a request. Returns it with its body in one piece and with the delivery in its extensions.
///
/// # Errors
/// Why the request is refused, and the answer to it.
pub(crate) async fn receive<B>(
    verifier: &Verifier,
    request: Request<B>,
) -> Result<Request<Bytes>, (VerifyError, Response<Bytes>)>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    let refuse = |reason: VerifyError| (reason.clone(), verifier.reject(reason, &parts));
    let body = read(body, verifier.body_limit()).await.map_err(refuse)?;
    let delivery = verifier.verify(&parts, &body, verifier.now());
    let delivery = delivery.map_err(refuse)?.into_owned();
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(delivery);
    // axum's extractors would refuse a body over 2 MB, although the verifier has accepted it.
    #[cfg(feature = "axum")]
    axum::extract::DefaultBodyLimit::disable().apply(&mut request);
    Ok(request)
}

/// Reads a body to its end, but not beyond the verifier's limit.
async fn read<B>(body: B, limit: usize) -> Result<Bytes, VerifyError>
where
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    match Limited::new(body.map_err(InFront::new), limit)
        .collect()
        .await
    {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(VerifyError::BodyTooLarge { limit }),
        Err(error) => Err(match error.downcast_ref::<InFront>() {
            Some(front) if front.is_over_a_limit() => VerifyError::BodyTooLargeInFront,
            _ => VerifyError::UnreadableBody,
        }),
    }
}

/// An error of the body itself, and so not of our limit.
#[derive(Debug, thiserror::Error)]
#[error("the body could not be read")]
struct InFront(#[source] Box<dyn Error + Send + Sync>);

impl InFront {
    fn new(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(error.into())
    }

    /// Whether a layer in front, such as tower-http's `RequestBodyLimitLayer`, has cut the body off. Frameworks wrap
    /// the errors of bodies, some of them several times.
    fn is_over_a_limit(&self) -> bool {
        let first: &(dyn Error + 'static) = &*self.0;
        std::iter::successors(Some(first), |&error| error.source())
            .any(<dyn Error>::is::<LengthLimitError>)
    }
}
