//! The regions of the hosted service.

/// Where the hosted service runs. Regions share nothing: tokens, keys and messages are per region.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// Frankfurt, the service's default.
    EuCentral1,
    /// Virginia.
    UsEast1,
}

impl Region {
    /// The base URL, such as `https://qstash-us-east-1.upstash.io`.
    #[must_use]
    pub const fn url(self) -> &'static str {
        match self {
            Self::EuCentral1 => "https://qstash-eu-central-1.upstash.io",
            Self::UsEast1 => "https://qstash-us-east-1.upstash.io",
        }
    }

    /// How variables of the environment begin: `US_EAST_1` of `US_EAST_1_QSTASH_TOKEN`.
    #[must_use]
    pub const fn env_prefix(self) -> &'static str {
        match self {
            Self::EuCentral1 => "EU_CENTRAL_1",
            Self::UsEast1 => "US_EAST_1",
        }
    }

    /// Reads `US_EAST_1`, `us-east-1` and the like.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_uppercase().replace('-', "_");
        [Self::EuCentral1, Self::UsEast1]
            .into_iter()
            .find(|region| region.env_prefix() == name)
    }
}
