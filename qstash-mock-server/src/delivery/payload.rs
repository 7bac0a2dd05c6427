//! The body of a request or an answer: whole, or broken off in the middle by a fault.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// A body that is sent.
pub(crate) enum Payload {
    /// The whole body.
    Whole(Full<Bytes>),
    /// The first half of the body; then the connection breaks.
    Half(Half),
}

/// A body that announces more bytes than it gives.
pub(crate) struct Half {
    first: Option<Bytes>,
    announced: u64,
    flushed: bool,
}

impl Payload {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }

    pub(crate) fn half(bytes: &Bytes) -> Self {
        Self::Half(Half {
            first: Some(bytes.slice(..bytes.len() / 2)),
            // An empty body can only break off if it announces more.
            announced: bytes.len().max(1) as u64,
            flushed: false,
        })
    }
}

/// The error by which a fault breaks the connection.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection was reset in the middle of the body by a fault")]
pub(crate) struct BrokenOff;

impl Body for Payload {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let never = |never: Infallible| match never {};
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole)
                .poll_frame(context)
                .map(|frame| frame.map(|frame| frame.map_err(never))),
            Self::Half(half) => half.poll(context).map(Some),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Half(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Half(half) => SizeHint::with_exact(half.announced),
        }
    }
}

impl Half {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame<Bytes>, BrokenOff>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Poll::Ready(Ok(Frame::data(first)));
        }
        if !self.flushed {
            // While the body is pending, the connection sends what it has.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Err(BrokenOff))
    }
}
