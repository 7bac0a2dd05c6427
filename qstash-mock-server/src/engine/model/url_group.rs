//! URL groups: one name for several endpoints (v2.md sections 2.9 and 3.8).

use std::sync::Arc;

use super::id::{AccountName, GroupName};
use super::partial_settings::PartialSettings;
use super::time::Timestamp;

/// A URL group.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlGroup {
    /// Whose it is.
    pub account: AccountName,
    /// Its name, unique in the account.
    pub name: GroupName,
    /// Where a message to the group goes, in the order they were added.
    pub endpoints: Vec<Endpoint>,
    /// What a publish to the group says by default.
    pub defaults: Arc<PartialSettings>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One destination of a URL group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Where to.
    pub url: Arc<str>,
    /// What it is called in the group, if it has a name.
    pub name: Option<Arc<str>>,
}

/// Names an endpoint to be removed: by its name, its URL, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRef {
    /// The URL it must have.
    pub url: Option<Arc<str>>,
    /// The name it must have.
    pub name: Option<Arc<str>>,
}

/// What can be done with URL groups.
#[derive(Clone, Debug)]
pub enum UrlGroupAction {
    /// A page of them by name. Answers `Reply::UrlGroups`.
    List {
        /// Only names after this one.
        after: Option<GroupName>,
        /// At most so many.
        limit: usize,
    },
    /// Answers `Reply::UrlGroup`.
    Get(GroupName),
    /// Make the group if absent; add endpoints or change those of the same name, or URL where they
    /// have no name. Answers `Reply::Done`.
    PutEndpoints(GroupName, Vec<Endpoint>),
    /// Without its last endpoint a group is removed. Answers `Reply::Done`.
    RemoveEndpoints(GroupName, Vec<EndpointRef>),
    /// Replace what a publish to the group says by default. Answers `Reply::Done`.
    SetDefaults(GroupName, Arc<PartialSettings>),
    /// Removing what is not there is fine. Answers `Reply::Done`.
    Delete(GroupName),
}

impl UrlGroupAction {
    /// Whether it only looks.
    pub(crate) const fn is_read(&self) -> bool {
        match self {
            Self::List { .. } | Self::Get(_) => true,
            Self::PutEndpoints(..)
            | Self::RemoveEndpoints(..)
            | Self::SetDefaults(..)
            | Self::Delete(_) => false,
        }
    }
}

impl Endpoint {
    /// The same by name, or by URL where one of them has none.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (&self.name, &other.name) {
            (Some(name), Some(other)) => name == other,
            _ => self.url == other.url,
        }
    }
}

impl EndpointRef {
    pub(crate) fn names(&self, endpoint: &Endpoint) -> bool {
        let some = self.url.is_some() || self.name.is_some();
        some && self.url.as_ref().is_none_or(|url| *url == endpoint.url)
            && self
                .name
                .as_ref()
                .is_none_or(|name| endpoint.name.as_ref() == Some(name))
    }
}
