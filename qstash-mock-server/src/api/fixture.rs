//! Decoding fixtures. Each part is decoded by the dialect that it belongs to.

use super::decode::{Object, array, text};
use super::error::ApiError;
use super::{v1, v2};
use crate::engine::{AccountName, Action};

/// Items of one kind in a fixture.
const MAX_ITEMS: usize = 100_000;

const MEMBERS: &[&str] = &["account", "queues", "url_groups", "schedules", "messages"];

/// The commands of a fixture.
#[derive(Clone, Debug)]
pub(crate) struct Decoded {
    /// The account that owns everything.
    pub(crate) account: AccountName,
    /// The commands, each with the position of its item in the file, such as `queues[1]`.
    pub(crate) actions: Vec<(String, Action)>,
    /// How many items the fixture has.
    pub(crate) items: usize,
}

/// Decodes a fixture, or returns what is wrong with it.
pub(crate) fn decode_fixture(text: &str) -> Result<Decoded, String> {
    decode(text).map_err(|error| error.sentence())
}

/// Queues and URL groups come first, because later items may name them.
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
        // Only v2 has destinations.
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
            let position = format!("{kind}[{index}]");
            let actions = decode(item).map_err(|error| error.under(&position))?;
            let actions = actions.into_iter();
            self.actions
                .extend(actions.map(|action| (position.clone(), action)));
            self.items += 1;
        }
        Ok(())
    }
}
