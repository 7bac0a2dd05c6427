//! The regions of the hosted service.

use crate::error::Error;

/// A region of the hosted service. Regions share nothing: each has tokens, keys and messages of its own.
///
/// `qstash-verify` has a type of the same name and with the same names of regions, so that neither crate needs the
/// other. [`parse`](Self::parse) of the one reads [`as_str`](Self::as_str) of the other.
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

    /// Returns the region's name as the header `Upstash-Region` has it: `US-EAST-1` or `EU-CENTRAL-1`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EuCentral1 => "EU-CENTRAL-1",
            Self::UsEast1 => "US-EAST-1",
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

/// Writes the name as [`as_str`](Region::as_str) returns it.
impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a name as [`parse`](Region::parse) does.
impl std::str::FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let rule = "must be US-EAST-1 or EU-CENTRAL-1";
        Self::parse(text).ok_or_else(|| Error::invalid_input("region", text, rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_read_in_each_spelling_and_written_in_one() {
        for region in [Region::EuCentral1, Region::UsEast1] {
            for text in [region.as_str(), region.env_prefix()] {
                assert_eq!(text.parse::<Region>().expect("known"), region);
                assert_eq!(Region::parse(&text.to_ascii_lowercase()), Some(region));
            }
            let host = region.as_str().to_ascii_lowercase();
            assert_eq!(region.url(), format!("https://qstash-{host}.upstash.io"));
        }
        let error = "mars-1".parse::<Region>().expect_err("unknown").to_string();
        assert!(error.contains("region \"mars-1\" must be"), "{error}");
    }
}
