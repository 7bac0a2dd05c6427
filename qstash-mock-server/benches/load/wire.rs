//! The cheapest HTTP/1.1 client that is still right: prepared requests out, whole answers in.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of a message's body.
pub(crate) const BODY: usize = 1024;
/// Bytes of the body of each of very many messages.
pub(crate) const SMALL: usize = 128;
/// Messages of one batch.
pub(crate) const BATCH: usize = 1_000;

/// A connection that carries one request at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::with_capacity(64 << 10);
        Ok(Self { stream, buffer })
    }

    /// Sends a request; its answer's status and body.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> io::Result<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some((status, body)) = answer(&self.buffer)?
                && body.end <= self.buffer.len()
            {
                return Ok((status, &self.buffer[body]));
            }
        }
    }

    /// Sends a request that must be answered with a 2xx.
    pub(crate) async fn succeed(&mut self, request: &[u8]) -> &[u8] {
        match self.exchange(request).await {
            Ok((200..300, body)) => body,
            Ok((status, body)) => panic!("{status}: {}", String::from_utf8_lossy(body)),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Where the next page of a list begins, if there is one.
pub(crate) fn next_page(page: &[u8]) -> Option<String> {
    let page = std::str::from_utf8(page).expect("UTF-8");
    let (_, rest) = page.rsplit_once(r#""cursor":""#)?;
    let (cursor, _) = rest.split_once('"')?;
    Some(cursor.to_owned())
}

/// The status of an answer and where its body lies, once the whole head is there.
fn answer(bytes: &[u8]) -> io::Result<Option<(u16, Range<usize>)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let parsed = answer.parse(bytes).map_err(io::Error::other)?;
    let (httparse::Status::Complete(head), Some(status)) = (parsed, answer.code) else {
        return Ok(None);
    };
    Ok(Some((status, head..head + length(answer.headers))))
}

/// How many bytes the first request in `bytes` has, once its whole head is there.
pub(crate) fn request_length(bytes: &[u8]) -> Option<usize> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes).expect("a request") {
        httparse::Status::Complete(head) => Some(head + length(request.headers)),
        httparse::Status::Partial => None,
    }
}

fn length(headers: &[httparse::Header<'_>]) -> usize {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .unwrap_or(0)
}

/// A `POST` with these headers (each ending in CRLF) and this body.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Any request without a body.
pub(crate) fn bare(method: &str, path: &str, headers: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes()
}

/// A JSON message of `length` bytes: an order of several items, as a shop would send it.
pub(crate) fn message(length: usize) -> String {
    const ITEM: &str =
        r#"{"item":"cast-iron pan, 26 cm","note":"gift wrap, please","quantity":2,"cents":4990},"#;
    let mut text = String::from(r#"{"order_id":1001,"customer":"Aylin Demir","items":["#);
    while text.len() + ITEM.len() + 16 < length {
        text.push_str(ITEM);
    }
    text.push_str(r#"{}],"note":""#);
    while text.len() + 2 < length {
        text.push('x');
    }
    text.push_str("\"}");
    text
}
