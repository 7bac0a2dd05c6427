//! The fields of an answer that this version does not know.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields of an answer that this version does not know or could not read, by their names on the wire.
pub type Other = BTreeMap<String, Value>;
