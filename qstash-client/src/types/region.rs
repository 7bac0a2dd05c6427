//! The regions of the hosted service.

/// A region of the hosted service. Regions share nothing: each has tokens, keys and messages of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Region {
    /// Frankfurt, the service's default region.
    EuCentral1,
    /// Virginia.
    UsEast1,
}

impl Region {
    /// Returns the region's base URL, such as `https://qstash-us-east-1.upstash.io`.
    #[must_use]
    pub const fn url(self) -> &'static str {
        match self {
            Self::EuCentral1 => "https://qstash-eu-central-1.upstash.io",
            Self::UsEast1 => "https://qstash-us-east-1.upstash.io",
        }
    }

    /// Returns what the names of the region's environment variables begin with, such as `US_EAST_1` in
    /// `US_EAST_1_QSTASH_TOKEN`.
    #[must_use]
    pub const fn env_prefix(self) -> &'static str {
        match self {
            Self::EuCentral1 => "EU_CENTRAL_1",
            Self::UsEast1 => "US_EAST_1",
        }
    }

    /// Reads the name of a region, such as `US_EAST_1` or `us-east-1`. Returns `None` for an unknown name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_uppercase().replace('-', "_");
        [Self::EuCentral1, Self::UsEast1]
            .into_iter()
            .find(|region| region.env_prefix() == name)
    }
}
