//! URL groups: one name for several endpoints (v2.md sections 2.9 and 3.8).

use std::sync::Arc;

use crate::engine::command::Reply;
use crate::engine::config::Limits;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{AccountName, GroupName, QueueName};
use crate::engine::model::time::Timestamp;
use crate::engine::publish::destination::headers_cost;
use crate::engine::quota;

/// A URL group.
#[derive(Clone, Debug, PartialEq)]
pub struct UrlGroup {
    /// Whose it is.
    pub account: AccountName,
    /// Its name, unique in the account.
    pub name: GroupName,
    /// Where a message to the group goes, in the order they were added.
    pub endpoints: Vec<Endpoint>,
    /// Headers that a publish to the group has by default, as they were given.
    pub headers: Vec<(String, String)>,
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
    /// Answers [`Reply::UrlGroups`], all of them, by name.
    List,
    /// Answers [`Reply::UrlGroup`].
    Get(GroupName),
    /// The same, for whoever is about to send to the group, perhaps through a queue: its default headers are
    /// part of what is sent. Answers [`Reply::UrlGroup`].
    GetToSend(GroupName, Option<QueueName>),
    /// Make the group if absent; add endpoints or change those of the same name, or URL where they
    /// have no name. Answers [`Reply::Done`].
    PutEndpoints(GroupName, Vec<Endpoint>),
    /// Without its last endpoint a group is removed. Answers [`Reply::Done`].
    RemoveEndpoints(GroupName, Vec<EndpointRef>),
    /// Replace the default headers. Answers [`Reply::Done`].
    SetHeaders(GroupName, Vec<(String, String)>),
    /// Removing what is not there is fine. Answers [`Reply::Done`].
    Delete(GroupName),
}

impl Engine {
    pub(crate) fn url_groups(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: UrlGroupAction,
    ) -> Result<Reply, Error> {
        match &action {
            UrlGroupAction::GetToSend(_, queue) => {
                caller.check_either(queue.as_ref(), Permission::Publish)?;
            }
            _ => caller.check_unlimited(Permission::Manage)?,
        }
        match action {
            UrlGroupAction::List => {
                let groups = self.state.url_groups(&caller.account);
                Ok(Reply::UrlGroups(groups.cloned().collect()))
            }
            UrlGroupAction::Get(name) | UrlGroupAction::GetToSend(name, _) => {
                let group = self.url_group(&caller.account, &name)?;
                Ok(Reply::UrlGroup(Box::new(group.clone())))
            }
            UrlGroupAction::PutEndpoints(name, endpoints) => {
                self.put_endpoints(now, caller, name, endpoints)
            }
            UrlGroupAction::RemoveEndpoints(name, endpoints) => {
                self.remove_endpoints(now, caller, &name, &endpoints)
            }
            UrlGroupAction::SetHeaders(name, headers) => {
                let mut group = self.url_group(&caller.account, &name)?.clone();
                group.headers = headers;
                self.check_held(group.cost())?;
                group.updated_at = now;
                self.state.put_url_group(group);
                Ok(Reply::Done)
            }
            UrlGroupAction::Delete(name) => {
                self.state.remove_url_group(&caller.account, &name);
                Ok(Reply::Done)
            }
        }
    }

    pub(crate) fn url_group(
        &self,
        account: &AccountName,
        name: &GroupName,
    ) -> Result<&UrlGroup, Error> {
        self.state
            .url_group(account, name)
            .ok_or_else(|| Error::UrlGroupNotFound(name.clone()))
    }

    fn put_endpoints(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: GroupName,
        endpoints: Vec<Endpoint>,
    ) -> Result<Reply, Error> {
        let account = &caller.account;
        let known = self.state.url_group(account, &name).cloned();
        let is_new = known.is_none();
        let mut group = known.unwrap_or_else(|| UrlGroup {
            account: account.clone(),
            name,
            endpoints: vec![],
            headers: vec![],
            created_at: now,
            updated_at: now,
        });
        for endpoint in endpoints {
            match group.endpoints.iter_mut().find(|it| it.is_same(&endpoint)) {
                Some(known) => *known = endpoint,
                None => group.endpoints.push(endpoint),
            }
        }
        let quotas = &self.config.quotas;
        let (count, bound) = (group.endpoints.len(), self.config.limits.endpoints);
        quota::check("maxEndpointsPerTopic", count as u64, quotas.endpoints)?;
        if count > bound {
            return Err(Error::Overloaded("too many endpoints"));
        }
        if is_new {
            let groups = self.state.url_groups(account).count() + 1;
            quota::check("maxTopics", groups as u64, quotas.url_groups)?;
            if groups > self.config.limits.url_groups {
                return Err(Error::Overloaded("too many URL groups"));
            }
        }
        self.check_held(group.cost())?;
        group.updated_at = now;
        if !group.endpoints.is_empty() {
            self.state.put_url_group(group);
        }
        Ok(Reply::Done)
    }

    fn remove_endpoints(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        name: &GroupName,
        endpoints: &[EndpointRef],
    ) -> Result<Reply, Error> {
        let mut group = self.url_group(&caller.account, name)?.clone();
        group
            .endpoints
            .retain(|endpoint| !endpoints.iter().any(|it| it.names(endpoint)));
        group.updated_at = now;
        if group.endpoints.is_empty() {
            self.state.remove_url_group(&caller.account, name);
        } else {
            self.state.put_url_group(group);
        }
        Ok(Reply::Done)
    }
}

impl UrlGroup {
    /// What it counts for in the bound on held bytes.
    pub(crate) fn cost(&self) -> usize {
        let text = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        let endpoints = self.endpoints.iter();
        let endpoints = endpoints.map(|it| it.url.len() + text(&it.name) + Limits::KEY_OVERHEAD);
        let all: usize = endpoints.sum();
        all + headers_cost(&self.headers) + Limits::MESSAGE_OVERHEAD
    }
}

impl Endpoint {
    /// The same by name, or by URL where one of them has none.
    fn is_same(&self, other: &Self) -> bool {
        match (&self.name, &other.name) {
            (Some(name), Some(other)) => name == other,
            _ => self.url == other.url,
        }
    }
}

impl EndpointRef {
    fn names(&self, endpoint: &Endpoint) -> bool {
        let some = self.url.is_some() || self.name.is_some();
        some && self.url.as_ref().is_none_or(|url| *url == endpoint.url)
            && self
                .name
                .as_ref()
                .is_none_or(|name| endpoint.name.as_ref() == Some(name))
    }
}
