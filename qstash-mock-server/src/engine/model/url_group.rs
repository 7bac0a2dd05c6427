//! URL groups: one name for several endpoints (v2.md sections 2.9 and 3.8).

use std::sync::Arc;

use super::id::{AccountName, GroupName};
use super::partial_settings::PartialSettings;
use super::time::Timestamp;

/// A stored URL group.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlGroup {
    /// The account that owns the group.
    pub account: AccountName,
    /// The group's name, unique in the account.
    pub name: GroupName,
    /// The endpoints that each get a message, in the order in which they were added.
    pub endpoints: Arc<Vec<Endpoint>>,
    /// The settings that complete those of a publisher.
    pub defaults: Arc<PartialSettings>,
    /// When the group was created.
    pub created_at: Timestamp,
    /// When the group was last changed.
    pub updated_at: Timestamp,
}

/// One endpoint of a URL group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL that messages go to.
    pub url: Arc<str>,
    /// The endpoint's name in the group, if it has one.
    pub name: Option<Arc<str>>,
}

/// Names an endpoint to remove: by its name, its URL, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointRef {
    /// The URL it must have.
    pub url: Option<Arc<str>>,
    /// The name it must have.
    pub name: Option<Arc<str>>,
}

/// Commands on URL groups.
#[derive(Clone, Debug, PartialEq)]
pub enum UrlGroupAction {
    /// Read a page of groups, ordered by name. Answers `Reply::UrlGroups`.
    List {
        /// Only groups after this name.
        after: Option<GroupName>,
        /// The most groups of the page.
        limit: usize,
    },
    /// Read one group. Answers `Reply::UrlGroup`.
    Get(GroupName),
    /// Add endpoints to a group, which is created if it does not exist. An endpoint replaces one of the same name or,
    /// where one of both has no name, of the same URL. Answers `Reply::Done`.
    PutEndpoints(GroupName, Vec<Endpoint>),
    /// Remove endpoints. A group without endpoints is removed, too. Answers `Reply::Done`.
    RemoveEndpoints(GroupName, Vec<EndpointRef>),
    /// Replace the settings that complete those of a publisher. Answers `Reply::Done`.
    SetDefaults(GroupName, Arc<PartialSettings>),
    /// Remove a group; it need not exist. Answers `Reply::Done`.
    Delete(GroupName),
}

impl UrlGroupAction {
    /// Whether the command changes nothing.
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
