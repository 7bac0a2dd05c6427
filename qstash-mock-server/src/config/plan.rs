//! The plans whose quotas can be set by name (v2.md section 7).

use clap::ValueEnum;
use serde::Deserialize;

use crate::engine::Quotas;

/// A plan of the hosted service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Plan {
    /// Only the server's own bounds
    Unlimited,
    /// The free plan
    Free,
    /// Pay as you go
    Payg,
    /// A million messages a day
    Pro,
}

impl From<Plan> for Quotas {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::Unlimited => Self::unlimited(),
            Plan::Free => Self::free(),
            Plan::Payg => Self::payg(),
            Plan::Pro => Self::pro(),
        }
    }
}
