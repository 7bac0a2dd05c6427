//! Reading the values of settings.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use super::error::ConfigError;
use crate::RootCertificates;

/// The addresses that `host` resolves to, IPv4 first, because clients often use 127.0.0.1 for `localhost`.
pub(super) fn addresses(host: String, port: u16) -> Result<Vec<SocketAddr>, ConfigError> {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    match (plain, port).to_socket_addrs() {
        Ok(addresses) => {
            let mut addresses: Vec<_> = addresses.collect();
            addresses.sort_by_key(SocketAddr::is_ipv6);
            Ok(addresses)
        }
        Err(source) => Err(ConfigError::Host { host, source }),
    }
}

/// The first address that `HOST:PORT` resolves to.
pub(super) fn metrics_address(text: String) -> Result<SocketAddr, ConfigError> {
    let parts = text.rsplit_once(':');
    let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let found = parts.and_then(|(host, port)| {
        let found = addresses(host.to_owned(), port).ok()?;
        found.first().copied()
    });
    found.ok_or(ConfigError::MetricsAddress(text))
}

/// The root certificates in a file.
pub(super) fn root_certificates(path: &Path) -> Result<RootCertificates, ConfigError> {
    let pem = std::fs::read(path).map_err(|source| ConfigError::ReadRoots {
        path: path.to_owned(),
        source,
    })?;
    RootCertificates::from_pem(pem).map_err(|source| ConfigError::Roots {
        path: path.to_owned(),
        source,
    })
}

/// An item of a list, without the blanks around the commas of the list.
#[expect(clippy::unnecessary_wraps, reason = "clap asks for a result")]
pub(super) fn trimmed(item: &str) -> Result<String, std::convert::Infallible> {
    Ok(item.trim().to_owned())
}

pub(super) fn seconds(name: &'static str, seconds: f64) -> Result<Duration, ConfigError> {
    let sane = (0.0..=31_536_000.0).contains(&seconds);
    sane.then(|| Duration::from_secs_f64(seconds))
        .ok_or(ConfigError::Seconds(name))
}

pub(super) fn secret<'a>(
    name: &'static str,
    shortest: usize,
    secret: Option<&'a str>,
) -> Result<Option<&'a str>, ConfigError> {
    let short = secret.is_some_and(|secret| secret.len() < shortest);
    (!short)
        .then_some(secret)
        .ok_or(ConfigError::ShortSecret(name, shortest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_an_address_or_a_name() {
        for (host, first) in [
            ("127.0.0.1", "127.0.0.1:7"),
            ("0.0.0.0", "0.0.0.0:7"),
            ("localhost", "127.0.0.1:7"),
            ("::1", "[::1]:7"),
            ("[::1]", "[::1]:7"),
        ] {
            let found = addresses(host.to_owned(), 7).unwrap();
            assert_eq!(found[0].to_string(), first, "{host}");
        }
        for bad in ["", " ", "a b", "127.0.0.1:80", "http://localhost"] {
            assert!(addresses(bad.to_owned(), 7).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_metrics_may_have_an_address_of_their_own() {
        for (text, expected) in [("127.0.0.1:9100", "127.0.0.1:9100"), ("[::1]:0", "[::1]:0")] {
            let found = metrics_address(text.to_owned()).unwrap();
            assert_eq!(found.to_string(), expected);
        }
        for bad in [
            "",
            "9100",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:70000",
            "a b:1",
        ] {
            let told = metrics_address(bad.to_owned()).unwrap_err().to_string();
            assert!(told.contains("metrics_address"), "{told}");
        }
    }

    #[test]
    fn absurd_durations_are_refused() {
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e308] {
            assert!(seconds("x", bad).is_err(), "{bad}");
        }
    }
}
