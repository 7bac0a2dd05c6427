//! The consumer of the deliveries: counts requests and answers each with an empty 200.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::wire::request_length;

/// A consumer on this process's runtime.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) address: SocketAddr,
    receipts: Arc<Receipts>,
}

#[derive(Debug, Default)]
struct Receipts {
    count: AtomicU64,
    more: Notify,
}

impl Consumer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let receipts = Arc::<Receipts>::default();
        let consumer = Self {
            address,
            receipts: Arc::clone(&receipts),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&receipts)));
            }
        });
        consumer
    }

    /// Requests that have come.
    pub(crate) fn count(&self) -> u64 {
        self.receipts.count.load(Ordering::Relaxed)
    }

    /// Returns once so many requests have come.
    pub(crate) async fn reaches(&self, count: u64) {
        while self.count() < count {
            self.receipts.more.notified().await;
        }
    }
}

async fn serve(mut stream: TcpStream, receipts: Arc<Receipts>) {
    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(16 << 10);
    // Ends when the sender closes.
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        while let Some(length) = request_length(&buffer).filter(|it| *it <= buffer.len()) {
            receipts.count.fetch_add(1, Ordering::Relaxed);
            receipts.more.notify_one();
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
            buffer.drain(..length);
        }
    }
}
