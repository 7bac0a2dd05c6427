//! The settings of a client: which server it calls, over which transport, and how long it waits and tries again.

use std::sync::Arc;
use std::time::Duration;

use crate::base_url::BaseUrl;
use crate::client::{Client, Inner, TraceSource};
use crate::env::Place;
use crate::error::Error;
use crate::transport::Transport;
use crate::transport::retry::RetryPolicy;
use crate::transport::setup::{ProxyChoice, Setup, TlsBackend};
use crate::types::region::Region;
use crate::types::secret::Secret;
use crate::types::token::Token;
use crate::types::trace::TraceContext;

impl Client {
    /// Starts a builder with the default settings.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Makes a client from environment variables, as [`ClientBuilder::from_env`] reads them, with the default settings.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when a variable is missing or not valid, and as
    /// [`ClientBuilder::build`] says.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env()?.build()
    }
}

/// The settings of a [`Client`]. [`build`](Self::build) reports the mistakes in them.
#[must_use = "a builder does nothing until you `build` it"]
pub struct ClientBuilder {
    base_url: Option<Result<BaseUrl, Error>>,
    token: Option<Result<Token, Error>>,
    transport: Option<Arc<dyn Transport>>,
    setup: Setup,
    retry: RetryPolicy,
    request_timeout: Duration,
    total_timeout: Option<Duration>,
    trace_context: Option<Arc<TraceSource>>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            base_url: None,
            token: None,
            transport: None,
            setup: Setup::new(Duration::from_secs(5)),
            retry: RetryPolicy::default(),
            request_timeout: Duration::from_secs(30),
            total_timeout: None,
            trace_context: None,
        }
    }
}

impl ClientBuilder {
    /// Takes the base URL and the token from the environment. The first of these that is set wins:
    ///
    /// 1. `QSTASH_DEV=1` (or `true`) selects a development server on this machine, as [`dev_server`](Self::dev_server)
    ///    does, on port `QSTASH_DEV_PORT` (8080 if that is not a port). A release build ignores the variable and logs a
    ///    warning, so that a forgotten switch does not send production's messages to a development server.
    /// 2. `QSTASH_REGION` (`US_EAST_1`, `EU_CENTRAL_1`) selects `<REGION>_QSTASH_URL` and `<REGION>_QSTASH_TOKEN`, if
    ///    both are set. The client ignores an unknown region and logs a warning.
    /// 3. `QSTASH_URL` and `QSTASH_TOKEN`. Without a URL, the client calls the hosted service's default region.
    ///
    /// [`build`](Self::build) reports a URL or a token that is not valid, and names its variable.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when there is no token, or `QSTASH_DEV` is neither on nor off.
    pub fn from_env() -> Result<Self, Error> {
        // What is not Unicode is read, too: the check of the value names it better than "not set".
        let read = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let place = crate::env::resolve(read, !cfg!(debug_assertions))?;
        Ok(Self::default().at(&place))
    }

    fn at(mut self, place: &Place) -> Self {
        let url = BaseUrl::parse(&place.url);
        let token = Token::parse(&place.token);
        self.base_url = Some(url.map_err(|error| error.of_variable(&place.url_variable)));
        self.token = Some(token.map_err(|error| error.of_variable(&place.token_variable)));
        self
    }

    /// Calls the hosted service in this region. Regions share nothing, so the token must belong to the region.
    pub fn region(self, region: Region) -> Self {
        self.base_url(region.url())
    }

    /// Calls a development server on this machine (`qstash dev`, or `qstash-mock-server dev`) with the published token
    /// of its first user. Logs a warning, because the messages go nowhere else.
    pub fn dev_server(self, port: u16) -> Self {
        tracing::warn!(
            port,
            "messages go to the development server on this machine"
        );
        self.base_url(crate::env::dev_url(port))
            .token(crate::env::DEV_TOKEN)
    }

    /// Calls the server at this URL, such as `http://127.0.0.1:8080`; it may have the path prefix of a reverse proxy,
    /// such as `https://example.com/qstash`. Required. The client adds the routes itself, so it cuts the ends `/v1`,
    /// `/v2`, `/v1/publish` and `/v2/publish` off, and [`build`](Self::build) refuses other routes of the API.
    pub fn base_url(mut self, url: impl AsRef<str>) -> Self {
        self.base_url = Some(BaseUrl::parse(url.as_ref()));
        self
    }

    /// Sends this bearer token. Without one, requests carry no `Authorization` header.
    pub fn token(mut self, token: impl AsRef<str>) -> Self {
        self.token = Some(Token::parse(token.as_ref()));
        self
    }

    /// Sets how the client tries again after a failure.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Limits how long a connection may take to be made. 5 s by default. A custom transport has a limit of its own.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.setup.connect_timeout = timeout;
        self
    }

    /// Limits how long each try may take, including the connection. 30 s by default. A long poll may take its wait on
    /// top.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Limits how long a call may take with all its retries. Unlimited by default. A long poll may take its wait on
    /// top. If the waits before the retries would add up to that time, the call fails at once with the last failure.
    /// If time runs out during a try or a wait, the call fails with a [`Timeout`](crate::ErrorKind::Timeout), and
    /// [`Error::underlying`] returns the failure of the last try that ended, if one did.
    pub fn total_timeout(mut self, timeout: Duration) -> Self {
        self.total_timeout = Some(timeout);
        self
    }

    /// Sets a function that returns the current trace. The client calls it at each publish and sends the trace to the
    /// consumer as `traceparent` (and `tracestate`). Without one, no trace is sent. The function has no effect on a
    /// message that has a `traceparent` header of its own, on schedules, and under v2's content-based deduplication,
    /// whose hash covers forwarded headers.
    pub fn trace_context(
        mut self,
        source: impl Fn() -> Option<TraceContext> + Send + Sync + 'static,
    ) -> Self {
        self.trace_context = Some(Arc::new(source));
        self
    }

    /// Chooses what makes TLS connections. By default this is the system's TLS if the feature `native-tls` is on,
    /// because it is on only where somebody chose it, and rustls otherwise. rustls takes the provider of cryptography
    /// that the program installed before [`build`](Self::build), else aws-lc-rs (feature `rustls-aws-lc`), else ring
    /// (feature `rustls-ring`).
    pub fn tls_backend(mut self, backend: TlsBackend) -> Self {
        self.setup.backend = Some(backend);
        self
    }

    /// Trusts these certificates beside those that the system trusts. The text is PEM and may hold several of them. A
    /// further call adds to them. With rustls, a server cannot use a certificate that is marked as an authority, which
    /// `openssl req -x509` makes unless `-addext basicConstraints=critical,CA:FALSE` says otherwise.
    pub fn root_certificates(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.setup.roots.push(pem.as_ref().to_vec());
        self
    }

    /// Sends all requests through the proxy at this URL, such as `http://user:password@proxy.example:3128`. Without it
    /// the client reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, except for a base URL on this machine
    /// (`localhost`, `127.0.0.1`, `[::1]`), which it always calls directly. Errors name the proxy without its password.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.setup.proxy = ProxyChoice::Through(Secret::new(url.into()));
        self
    }

    /// Sends all requests directly, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.setup.proxy = ProxyChoice::Direct;
        self
    }

    /// Sends requests over this transport instead of reqwest. The transport has its own connections, TLS and proxy, so
    /// [`build`](Self::build) refuses settings of TLS and of a proxy beside it.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Checks the settings and makes the client. Opens no connection.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config)
    ///
    /// - when the base URL is missing, or the base URL, the token, a certificate or the proxy is not valid;
    /// - when settings of TLS or of a proxy stand beside a transport of your own;
    /// - when TLS cannot be set up: the URL is one with https in a build without TLS, or rustls has no provider;
    /// - in a build without the feature `reqwest`, when no transport was given.
    pub fn build(self) -> Result<Client, Error> {
        let Some(base) = self.base_url else {
            return Err(Error::config("no base URL was given"));
        };
        let base = base?;
        let token = self.token.transpose()?;
        let transport = match (self.transport, self.setup.only_for_default()) {
            (Some(_), Some(setting)) => {
                return Err(Error::config(format!(
                    "{setting} has no effect on a transport of your own; set it up there"
                )));
            }
            (Some(transport), None) => transport,
            (None, _) => default_transport(&self.setup, &base)?,
        };
        Ok(Client(Arc::new(Inner {
            base,
            token,
            transport,
            retry: self.retry,
            request_timeout: self.request_timeout,
            total_timeout: self.total_timeout,
            trace_context: self.trace_context,
        })))
    }
}

#[cfg(feature = "reqwest")]
fn default_transport(setup: &Setup, base: &BaseUrl) -> Result<Arc<dyn Transport>, Error> {
    let transport = crate::transport::Reqwest::set_up(setup, Some(base))?;
    Ok(Arc::new(transport))
}

#[cfg(not(feature = "reqwest"))]
fn default_transport(_: &Setup, _: &BaseUrl) -> Result<Arc<dyn Transport>, Error> {
    Err(Error::config(
        "no transport was given and the feature `reqwest` of qstash-client is off",
    ))
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Builds from these variables, over a transport that nobody asks, and returns the error.
    fn refused(vars: &[(&str, &str)]) -> String {
        let read = |name: &str| {
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let place = crate::env::resolve(read, true).expect("a URL and a token");
        let built = ClientBuilder::default().at(&place).build();
        built.expect_err("a bad variable").to_string()
    }

    #[test]
    fn a_bad_value_from_the_environment_is_named_by_its_variable() {
        let token = ("QSTASH_TOKEN", "'s3cret'");
        let text = refused(&[token]);
        assert!(
            text.contains("variable QSTASH_TOKEN: the token holds quotes"),
            "{text}"
        );
        assert!(!text.contains("s3cret"), "{text}");
        let url = ("QSTASH_URL", "https://qstash.upstash.io/v2/queues");
        let text = refused(&[("QSTASH_TOKEN", "t"), url]);
        assert!(text.contains("variable QSTASH_URL: base URL"), "{text}");
        let text = refused(&[
            ("QSTASH_REGION", "us-east-1"),
            ("US_EAST_1_QSTASH_URL", "https://h"),
            ("US_EAST_1_QSTASH_TOKEN", "t\n"),
        ]);
        assert!(text.contains("variable US_EAST_1_QSTASH_TOKEN"), "{text}");
    }

    #[test]
    fn the_last_value_of_a_setting_counts() {
        let place = crate::env::resolve(
            |name| (name == "QSTASH_TOKEN").then(|| "\"".to_owned()),
            true,
        );
        let builder = ClientBuilder::default().at(&place.expect("a place"));
        let built = builder.base_url("http://h").token("t").build();
        // A build without an HTTP client, or without a provider for it, has this to refuse, and nothing else.
        assert_eq!(built.is_ok(), cfg!(feature = "reqwest") && usable());
    }

    /// Whether this build has a provider of cryptography, or needs none.
    fn usable() -> bool {
        cfg!(any(
            not(feature = "rustls-no-provider"),
            feature = "rustls-ring",
            feature = "rustls-aws-lc",
            feature = "native-tls"
        ))
    }
}
