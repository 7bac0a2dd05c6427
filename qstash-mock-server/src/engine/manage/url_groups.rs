//! Managing URL groups (v2.md section 2.9).

use std::sync::Arc;

use crate::engine::access::check_quota;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::manage::endpoints;
use crate::engine::manage::page::{Seen, page};
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::{AccountName, GroupName};
use crate::engine::model::time::Timestamp;
use crate::engine::model::url_group::{Endpoint, EndpointRef, UrlGroup, UrlGroupAction};
use crate::engine::quota::QuotaKind;
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn url_groups(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        action: UrlGroupAction,
    ) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        let account = &caller.account;
        match action {
            UrlGroupAction::List { after, limit } => {
                let groups = self.state.url_groups_after(account, after.as_ref());
                let (groups, next) = page(groups, limit, limit, |group| Seen {
                    cursor: group.name.clone(),
                    effort: 1,
                    shown: Some(group.clone()),
                });
                Ok(Reply::UrlGroups { groups, next })
            }
            UrlGroupAction::Get(name) => {
                let group = self.known_url_group(account, &name)?;
                Ok(Reply::UrlGroup(Box::new(group.clone())))
            }
            UrlGroupAction::PutEndpoints(name, endpoints) => {
                self.put_endpoints(now, caller, name, endpoints)
            }
            UrlGroupAction::RemoveEndpoints(name, endpoints) => {
                self.remove_endpoints(now, caller, &name, &endpoints)
            }
            UrlGroupAction::SetDefaults(name, defaults) => {
                let mut group = self.known_url_group(&caller.account, &name)?.clone();
                let before = group.cost();
                group.defaults = defaults;
                self.check_held(group.cost().saturating_sub(before))?;
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

    pub(crate) fn known_url_group(
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
        new: Vec<Endpoint>,
    ) -> Result<Reply, Error> {
        let account = &caller.account;
        let known = self.state.url_group(account, &name).cloned();
        let is_new = known.is_none();
        let before = known.as_ref().map_or(0, UrlGroup::cost);
        let mut group = known.unwrap_or_else(|| UrlGroup {
            account: account.clone(),
            name,
            endpoints: Arc::default(),
            defaults: Arc::default(),
            created_at: now,
            updated_at: now,
        });
        endpoints::put(Arc::make_mut(&mut group.endpoints), new);
        let quotas = &self.config.quotas;
        let (count, bound) = (group.endpoints.len(), self.config.limits.endpoints);
        check_quota(QuotaKind::Endpoints, count as u64, quotas.endpoints)?;
        if count > bound {
            return Err(Error::Overloaded("too many endpoints"));
        }
        if is_new {
            let groups = self.state.url_group_count(account) + 1;
            check_quota(QuotaKind::UrlGroups, groups as u64, quotas.url_groups)?;
            if groups > self.config.limits.url_groups {
                return Err(Error::Overloaded("too many URL groups"));
            }
        }
        self.check_account(account)?;
        self.check_held(group.cost().saturating_sub(before))?;
        self.ensure_account(account);
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
        named: &[EndpointRef],
    ) -> Result<Reply, Error> {
        let mut group = self.known_url_group(&caller.account, name)?.clone();
        endpoints::remove(Arc::make_mut(&mut group.endpoints), named);
        group.updated_at = now;
        if group.endpoints.is_empty() {
            self.state.remove_url_group(&caller.account, name);
        } else {
            self.state.put_url_group(group);
        }
        Ok(Reply::Done)
    }
}
