//! Why settings are refused. Each error is a sentence that names the setting and shows no secret.

use std::path::PathBuf;

use crate::{OriginError, RootsError, RouteError};

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration file {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the configuration file {}{place}: {message}", path.display())]
    Parse {
        path: PathBuf,
        place: String,
        message: String,
    },
    #[error("`host` must be an address or a name of this computer; `{host}` is neither")]
    Host {
        host: String,
        source: std::io::Error,
    },
    #[error("`metrics_address` must be HOST:PORT such as 127.0.0.1:9100; `{0}` is not")]
    MetricsAddress(String),
    #[error("`cacert` names {}, which cannot be read", path.display())]
    ReadRoots {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("`cacert` names {}, which cannot be used", path.display())]
    Roots { path: PathBuf, source: RootsError },
    #[error("`{0}` must be a number of seconds from 0 to 31536000")]
    Seconds(&'static str),
    #[error("`{0}` must have at least {1} bytes; leave it out to do without")]
    ShortSecret(&'static str, usize),
    #[error(
        "`log` must be a level such as `info`, or a filter such as `warn,qstash_mock_server=debug`"
    )]
    Log,
    #[error("`{0}` must be a time in RFC 3339 such as 2026-08-01T12:00:00Z, or `now`")]
    Time(&'static str),
    /// The route is named by its place, because its URLs may hold a password.
    #[error("`route[{0}]` is wrong: {1}")]
    Route(usize, RouteError),
    /// The origin is named by its place, because it may hold a password by mistake.
    #[error("`cors[{0}]` is wrong: {1}")]
    Cors(usize, OriginError),
}
