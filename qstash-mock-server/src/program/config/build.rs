//! Making a server of the settings.

use super::error::ConfigError;
use super::values::{addresses, metrics_address, root_certificates, seconds, secret};
use super::{Plan, Settings};
use crate::instruments::wall_time;
use crate::server::MIN_SECRET;
use crate::testing::SignatureClock;
use crate::text::parse_rfc3339;
use crate::{MockServer, MockServerBuilder, Origin, Route};

impl Settings {
    /// A server with these settings.
    pub(crate) fn server(self) -> Result<MockServerBuilder, ConfigError> {
        self.token_secret()?;
        secret("signing_secret", MIN_SECRET, self.signing_secret.as_deref())?;
        secret("admin_token", 1, self.admin_token.as_deref())?;
        // Strangers may see ids of the program, and its runs are not to be repeated.
        let server = MockServer::builder().unguessable_ids();
        let mut server = self.test_control(server)?;
        if let (Some(host), Some(port)) = (self.host, self.port) {
            server = server.addresses(addresses(host, port)?);
        }
        if let Some(timeout) = self.request_body_timeout_seconds {
            server = server.request_body_timeout(seconds("request_body_timeout_seconds", timeout)?);
        }
        if let Some(window) = self.deduplication_window_seconds {
            server = server.deduplication_window(seconds("deduplication_window_seconds", window)?);
        }
        server = apply(
            server,
            self.signing_secret,
            MockServerBuilder::signing_secret,
        );
        server = apply(server, self.token_secret, MockServerBuilder::token_secret);
        server = apply(server, self.admin_token, MockServerBuilder::admin_token);
        server = apply(server, self.dev_users, MockServerBuilder::dev_users);
        server = apply(server, self.seed, MockServerBuilder::seed);
        server = apply(
            server,
            self.max_message_bytes,
            MockServerBuilder::max_message_bytes,
        );
        server = apply(server, self.max_retries, MockServerBuilder::max_retries);
        server = apply(
            server,
            self.max_batch_bytes,
            MockServerBuilder::max_batch_bytes,
        );
        server = apply(
            server,
            self.max_body_bytes_in_flight,
            MockServerBuilder::max_body_bytes_in_flight,
        );
        server = apply(
            server,
            self.max_held_bytes,
            MockServerBuilder::max_held_bytes,
        );
        server = apply(
            server,
            self.max_finished_messages,
            MockServerBuilder::max_finished_messages,
        );
        for (place, route) in self.route.iter().enumerate() {
            let parsed = route.parse::<Route>();
            server = server.route(parsed.map_err(|error| ConfigError::Route(place, error))?);
        }
        for (place, origin) in self.cors.iter().enumerate() {
            let parsed = origin.parse::<Origin>();
            server = server.cors(parsed.map_err(|error| ConfigError::Cors(place, error))?);
        }
        server = apply(server, self.deliver, MockServerBuilder::deliver);
        if let Some(path) = &self.cacert {
            server = server.root_certificates(root_certificates(path)?);
        }
        server = apply(server, self.insecure, MockServerBuilder::insecure);
        let quotas = self.quota.map(Plan::quotas);
        server = apply(server, quotas, MockServerBuilder::quotas);
        if let Some(address) = self.metrics_address {
            server = server.metrics_address(metrics_address(address)?);
        }
        Ok(apply(server, self.metrics, MockServerBuilder::metrics))
    }

    fn test_control(&self, server: MockServerBuilder) -> Result<MockServerBuilder, ConfigError> {
        let begin = |name, setting: &Option<String>| {
            let time = setting.as_deref().map(|it| match it {
                "now" => Some(wall_time()),
                time => parse_rfc3339(time),
            });
            time.map(|it| it.ok_or(ConfigError::Time(name))).transpose()
        };
        let manual = begin("manual_clock", &self.manual_clock)?;
        let auto = begin("auto_clock", &self.auto_clock)?;
        // Consumers of the program are other processes, which read the clock of their operating system.
        let server = server.signature_clock(SignatureClock::Real);
        let mut server = apply(server, manual, MockServerBuilder::manual_clock);
        server = apply(server, auto, MockServerBuilder::auto_clock);
        if let Some(limit) = self.real_time_limit_seconds {
            server = server.real_time_limit(seconds("real_time_limit_seconds", limit)?);
        }
        let no_admin = self.no_admin.unwrap_or(false);
        // Without test control nobody can look at captured deliveries.
        let capture = if no_admin { Some(0) } else { self.capture };
        server = apply(server, capture, MockServerBuilder::capture);
        Ok(server.admin(!no_admin))
    }
}

fn apply<T>(
    server: MockServerBuilder,
    value: Option<T>,
    set: impl FnOnce(MockServerBuilder, T) -> MockServerBuilder,
) -> MockServerBuilder {
    match value {
        Some(value) => set(server, value),
        None => server,
    }
}
