//! JSON that keeps its bytes.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A JSON value that keeps its exact bytes: how numbers are written, the order of keys and the blanks inside.
///
/// It is the payload type for messages that you pass on without reading them.
#[derive(Clone)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Checks that the bytes are one JSON value. Drops white space around it.
    ///
    /// # Errors
    /// When the bytes are not UTF-8 or not one JSON value.
    pub fn parse(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<&RawValue>(bytes).map(|raw| Self(raw.to_owned()))
    }

    /// Returns the JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Reads the value as a type.
    ///
    /// # Errors
    /// When the value does not have the shape of the type.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

impl std::fmt::Debug for RawJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.get())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for RawJson {}

impl From<Box<RawValue>> for RawJson {
    fn from(raw: Box<RawValue>) -> Self {
        Self(raw)
    }
}

impl serde::Serialize for RawJson {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> serde::Deserialize<'de> for RawJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_inside_the_value_are_kept() {
        let raw = RawJson::parse(b" {\"b\": 1.50,\"a\":1e400} ").expect("valid");
        assert_eq!(raw.get(), "{\"b\": 1.50,\"a\":1e400}");
        assert_eq!(serde_json::to_string(&raw).expect("serializes"), raw.get());
    }

    #[test]
    fn two_values_are_not_one() {
        assert!(RawJson::parse(b"1 2").is_err());
        assert!(RawJson::parse(b"").is_err());
        assert!(RawJson::parse(b"\"\xff\"").is_err());
    }
}
