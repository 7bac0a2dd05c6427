//! Access to test control (v1.md section 1).

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use subtle::ConstantTimeEq;

use super::super::auth::bearer;
use super::super::error::ApiError;
use super::super::{ApiState, Peer};

/// Proof that the caller may control the server. It is the first argument of each handler, so it is checked first.
pub(super) struct Admin;

impl FromRequestParts<ApiState> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, ApiError> {
        let control = api.control();
        match &control.token {
            Some(token) => {
                let given = bearer(&parts.headers)?;
                let good: bool = given.as_bytes().ct_eq(token.0.as_bytes()).into();
                good.then_some(Self).ok_or_else(ApiError::invalid_token)
            }
            // An API token does not open test control, and a caller that sends one should be told.
            None if control.secured && parts.headers.contains_key(AUTHORIZATION) => {
                Err(ApiError::invalid_token())
            }
            None => {
                let peer = parts.extensions.get::<Peer>();
                let local = peer.is_some_and(|it| it.0.ip().to_canonical().is_loopback());
                let fine = local && is_plain_and_local(&parts.headers);
                fine.then_some(Self).ok_or_else(ApiError::admin_is_local)
            }
        }
    }
}

/// Whether a request cannot come from a page in a browser, which would send an `Origin`, or the name of another host.
fn is_plain_and_local(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|it| it.to_str().ok());
    let authority = host.and_then(|it| it.parse::<Authority>().ok());
    let local = authority.is_some_and(|authority| {
        let host = authority.host().trim_matches(['[', ']']);
        let address = host.parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|it| it.is_loopback())
    });
    local && !headers.contains_key(ORIGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_host_without_an_origin_is_local() {
        for (host, origin, local) in [
            ("localhost:8080", None, true),
            ("LOCALHOST", None, true),
            ("127.0.0.1:1", None, true),
            ("127.9.9.9", None, true),
            ("[::1]:8080", None, true),
            ("localhost.evil.example", None, false),
            ("192.168.0.1", None, false),
            ("", None, false),
            ("localhost", Some("http://localhost"), false),
            ("localhost", Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_plain_and_local(&headers), local, "{host} {origin:?}");
        }
        assert!(!is_plain_and_local(&HeaderMap::new()));
    }
}
