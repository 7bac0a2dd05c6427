//! Adding endpoints to those of a URL group, and removing them. A request may name as many as a group may have, so
//! they are found by name and by URL, never by comparing each with each.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::engine::model::url_group::{Endpoint, EndpointRef};

/// The endpoints of a group, which are found by what tells them apart.
#[derive(Default)]
struct Index {
    /// Of endpoints with a name.
    names: BTreeSet<(Arc<str>, usize)>,
    /// Of endpoints without a name.
    unnamed: BTreeSet<(Arc<str>, usize)>,
    /// Of all endpoints.
    urls: BTreeSet<(Arc<str>, usize)>,
}

impl Index {
    fn insert(&mut self, endpoint: &Endpoint, at: usize) {
        let own = match &endpoint.name {
            Some(name) => self.names.insert((Arc::clone(name), at)),
            None => self.unnamed.insert((Arc::clone(&endpoint.url), at)),
        };
        let by_url = self.urls.insert((Arc::clone(&endpoint.url), at));
        debug_assert!(own && by_url, "a place is taken twice");
    }

    fn remove(&mut self, endpoint: &Endpoint, at: usize) {
        match &endpoint.name {
            Some(name) => self.names.remove(&(Arc::clone(name), at)),
            None => self.unnamed.remove(&(Arc::clone(&endpoint.url), at)),
        };
        self.urls.remove(&(Arc::clone(&endpoint.url), at));
    }

    /// The place of the first endpoint that is the same as this one: has the same name or, where one of both has none,
    /// the same URL.
    fn find(&self, endpoint: &Endpoint) -> Option<usize> {
        match &endpoint.name {
            Some(name) => {
                let named = first(&self.names, name);
                named
                    .into_iter()
                    .chain(first(&self.unnamed, &endpoint.url))
                    .min()
            }
            None => first(&self.urls, &endpoint.url),
        }
    }
}

fn first(places: &BTreeSet<(Arc<str>, usize)>, text: &Arc<str>) -> Option<usize> {
    let mut from = places.range((Arc::clone(text), 0)..);
    let (found, at) = from.next()?;
    (found == text).then_some(*at)
}

/// Adds endpoints to those that a group has. Each one replaces the first that is the same, if there is one.
pub(super) fn put(known: &mut Vec<Endpoint>, endpoints: Vec<Endpoint>) {
    let mut index = Index::default();
    for (at, endpoint) in known.iter().enumerate() {
        index.insert(endpoint, at);
    }
    for endpoint in endpoints {
        let at = index.find(&endpoint).unwrap_or(known.len());
        if let Some(old) = known.get(at) {
            index.remove(old, at);
        }
        index.insert(&endpoint, at);
        if at < known.len() {
            known[at] = endpoint;
        } else {
            known.push(endpoint);
        }
    }
}

/// Removes the endpoints that are named.
pub(super) fn remove(known: &mut Vec<Endpoint>, named: &[EndpointRef]) {
    let named: BTreeSet<_> = named
        .iter()
        .map(|it| (it.url.as_deref(), it.name.as_deref()))
        .collect();
    known.retain(|endpoint| {
        let (url, name) = (Some(&*endpoint.url), endpoint.name.as_deref());
        let by_name =
            name.is_some() && (named.contains(&(None, name)) || named.contains(&(url, name)));
        !by_name && !named.contains(&(url, None))
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

    use super::*;

    fn text() -> impl Strategy<Value = Arc<str>> {
        prop::sample::select(vec!["a", "b", "c"]).prop_map(Arc::from)
    }

    fn endpoints() -> impl Strategy<Value = Vec<Endpoint>> {
        let one = (text(), prop::option::of(text()));
        prop::collection::vec(one.prop_map(|(url, name)| Endpoint { url, name }), 0..8)
    }

    fn names() -> impl Strategy<Value = Vec<EndpointRef>> {
        let one = (prop::option::of(text()), prop::option::of(text()));
        prop::collection::vec(one.prop_map(|(url, name)| EndpointRef { url, name }), 0..4)
    }

    fn is_same(one: &Endpoint, other: &Endpoint) -> bool {
        match (&one.name, &other.name) {
            (Some(name), Some(other)) => name == other,
            _ => one.url == other.url,
        }
    }

    fn is_named(endpoint: &Endpoint, by: &EndpointRef) -> bool {
        let url = by.url.as_ref().is_none_or(|url| *url == endpoint.url);
        let name = by.name.is_none() || by.name == endpoint.name;
        (by.url.is_some() || by.name.is_some()) && url && name
    }

    proptest! {
        #[test]
        fn endpoints_are_put_as_by_comparing_each_with_each(known in endpoints(), new in endpoints()) {
            let (mut found, mut expected) = (known.clone(), known);
            put(&mut found, new.clone());
            for endpoint in new {
                match expected.iter_mut().find(|it| is_same(it, &endpoint)) {
                    Some(known) => *known = endpoint,
                    None => expected.push(endpoint),
                }
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn endpoints_are_removed_as_by_comparing_each_with_each(known in endpoints(), named in names()) {
            let (mut found, mut expected) = (known.clone(), known);
            remove(&mut found, &named);
            expected.retain(|endpoint| !named.iter().any(|by| is_named(endpoint, by)));
            prop_assert_eq!(found, expected);
        }
    }
}
