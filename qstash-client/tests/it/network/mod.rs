//! Over real connections, through the default transport. Where rustls has no provider there are none to be made, and
//! `provider` is the only test with one.

#[cfg(any(
    not(feature = "rustls-no-provider"),
    feature = "rustls-ring",
    feature = "rustls-aws-lc"
))]
mod lengths;
#[cfg(feature = "rustls-no-provider")]
mod provider;
#[cfg(any(
    not(feature = "rustls-no-provider"),
    feature = "rustls-ring",
    feature = "rustls-aws-lc"
))]
mod proxies;
#[cfg(any(
    not(feature = "rustls-no-provider"),
    feature = "rustls-ring",
    feature = "rustls-aws-lc"
))]
mod refused;
// On macOS and Windows a test cannot set which certificates the system trusts.
#[cfg(all(
    target_os = "linux",
    any(
        feature = "rustls-ring",
        feature = "rustls-aws-lc",
        feature = "native-tls"
    )
))]
mod roots;
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
mod server;
#[cfg(any(
    feature = "rustls-ring",
    feature = "rustls-aws-lc",
    feature = "native-tls"
))]
mod tls;
#[cfg(any(
    not(feature = "rustls-no-provider"),
    feature = "rustls-ring",
    feature = "rustls-aws-lc"
))]
mod wire;
