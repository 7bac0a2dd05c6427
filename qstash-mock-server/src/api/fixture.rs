//! A fixture: what a server is to hold, each part in the words of the dialect that has it.

use super::decode::{Object, array, text};
use super::error::ApiError;
use super::{v1, v2};
use crate::engine::{AccountName, Action};

/// Items of one kind in a fixture.
const MAX_ITEMS: usize = 100_000;

const MEMBERS: &[&str] = &["account", "queues", "url_groups", "schedules", "messages"];

/// What a fixture does to a server.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    /// Whose state it becomes.
    pub(crate) account: AccountName,
    /// What makes it so, each with the place of its item in the file.
    pub(crate) actions: Vec<(String, Action)>,
    /// How many items there are.
    pub(crate) items: usize,
}

/// What a fixture does to a server; or what is wrong with it.
pub(crate) fn decode_fixture(text: &str) -> Result<Decoded, String> {
    decode(text).map_err(|error| error.sentence())
}

/// Queues and URL groups come first: what comes after them may name them.
pub(super) fn decode(body: &str) -> Result<Decoded, ApiError> {
    let object = Object::of_body(body.as_bytes(), MEMBERS)?;
    let account = object.nullable("account", text)?;
    let account = account.as_deref().unwrap_or(AccountName::DEFAULT);
    let mut decoded = Decoded {
        account: AccountName::new(account),
        actions: Vec::new(),
        items: 0,
    };
    let mut v2 = v2::FixtureReader::default();
    decoded.add(&object, "queues", |item| {
        Ok(vec![v1::fixture::queue(item.get())?])
    })?;
    decoded.add(&object, "url_groups", |item| {
        v2.url_group(&Object::of_any_fields(item)?)
    })?;
    decoded.add(&object, "schedules", |item| {
        Ok(vec![v2.schedule(&Object::of_any_fields(item)?)?])
    })?;
    decoded.add(&object, "messages", |item| {
        let message = Object::of_any_fields(item)?;
        // A destination is what only v2 has.
        Ok(vec![match message.get("destination") {
            Some(_) => v2.message(&message)?,
            None => v1::fixture::message(item.get())?,
        }])
    })?;
    Ok(decoded)
}

impl Decoded {
    fn add(
        &mut self,
        object: &Object<'_>,
        kind: &'static str,
        mut decode: impl FnMut(&serde_json::value::RawValue) -> Result<Vec<Action>, ApiError>,
    ) -> Result<(), ApiError> {
        let items = object.nullable(kind, |value| array(value, MAX_ITEMS))?;
        for (index, item) in items.unwrap_or_default().into_iter().enumerate() {
            let place = format!("{kind}[{index}]");
            let actions = decode(item).map_err(|error| error.under(&place))?;
            let placed = actions.into_iter().map(|action| (place.clone(), action));
            self.actions.extend(placed);
            self.items += 1;
        }
        Ok(())
    }
}
