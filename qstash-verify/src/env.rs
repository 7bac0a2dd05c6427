//! Keys from variables, of the environment or of a file, under the names that the official receivers use (v2.md
//! section 1.2).

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::{ConfigError, KeyName, KeyRole, Keys, Region, Scheme, VerifierBuilder};

/// The secret in use, and the one before it. Each is taken as it stands, as the server takes it.
const SECRETS: [&str; 2] = ["QSTASH_SIGNING_SECRET", "QSTASH_PREVIOUS_SIGNING_SECRET"];

impl VerifierBuilder {
    /// Starts a builder with keys from variables, as [`Verifier::from_env`](crate::Verifier::from_env) does, but `get`
    /// returns their values.
    ///
    /// ```
    /// use qstash_verify::VerifierBuilder;
    ///
    /// let verifier = VerifierBuilder::from_vars(|name| match name {
    ///     "QSTASH_SIGNING_SECRET" => Some("the current secret".into()),
    ///     "QSTASH_PREVIOUS_SIGNING_SECRET" => Some("the previous secret".into()),
    ///     _ => None,
    /// })
    /// .build();
    /// assert!(verifier.is_ok());
    /// ```
    pub fn from_vars(get: impl Fn(&str) -> Option<OsString>) -> Self {
        Self::default().keys(Keys::from_vars(get))
    }
}

impl Keys {
    /// Takes the keys from variables, as [`Verifier::from_env`](crate::Verifier::from_env) does, but `get` returns
    /// their values.
    pub fn from_vars(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut keys = Self::new().of_variables();
        for variable in SECRETS {
            keys = match read(&get, variable) {
                Err(error) => keys.fail(error),
                Ok(None) => keys,
                Ok(Some(secret)) => {
                    let name = keys.next_secret();
                    keys.add(Scheme::Hmac, name, secret.as_bytes(), variable)
                }
            };
        }
        for region in [None, Some(Region::UsEast1), Some(Region::EuCentral1)] {
            for role in [KeyRole::Current, KeyRole::Next] {
                keys = keys.signing_key_of(&get, KeyName { role, region });
            }
        }
        keys
    }

    /// Takes the keys from the text of a file that has a variable on each line, under the names that
    /// [`Verifier::from_env`](crate::Verifier::from_env) reads. Other variables may stand in it, too. Lines that are
    /// empty or begin with `#` do not count.
    ///
    /// A value is taken as it stands, up to the end of its line: quotes and white space around it are refused, as in
    /// the environment, and so are lines of any other form and a variable that is set twice.
    ///
    /// ```
    /// use qstash_verify::{Keys, Verifier};
    ///
    /// let text = "
    /// ## Rotated on 1 March
    /// QSTASH_CURRENT_SIGNING_KEY=sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r
    /// QSTASH_NEXT_SIGNING_KEY=sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs
    /// ";
    /// let verifier = Verifier::builder()
    ///     .keys(Keys::from_lines(text))
    ///     .public_origin("https://shop.example")
    ///     .build();
    /// assert!(verifier.is_ok());
    /// ```
    pub fn from_lines(text: &str) -> Self {
        match variables(text) {
            Ok(variables) => Self::from_vars(|name| variables.get(name).map(Into::into)),
            Err(error) => Self::new().fail(error),
        }
    }

    fn signing_key_of(self, get: &impl Fn(&str) -> Option<OsString>, name: KeyName) -> Self {
        let variable = variable(name);
        match read(get, &variable) {
            Err(error) => self.fail(error),
            Ok(None) => self,
            Ok(Some(key)) => self.add(Scheme::Jwt, name, key.as_bytes(), &variable),
        }
    }
}

/// Reads lines of the form `NAME=value`. An error shows nothing of a line, because keys may stand in it.
fn variables(text: &str) -> Result<BTreeMap<&str, &str>, ConfigError> {
    let mut variables = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fail = |problem| ConfigError::Line { number, problem };
        let in_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| !name.is_empty() && name.chars().all(in_name))
            .ok_or_else(|| {
                fail("is not of the form NAME=value, with no white space in the name")
            })?;
        if variables.insert(name, value).is_some() {
            return Err(fail("sets a variable that an earlier line sets"));
        }
    }
    Ok(variables)
}

/// Returns a name such as `QSTASH_CURRENT_SIGNING_KEY` or `US_EAST_1_QSTASH_NEXT_SIGNING_KEY`.
fn variable(name: KeyName) -> String {
    let region = name.region.map_or_else(String::new, |region| {
        format!("{}_", region.as_str().replace('-', "_"))
    });
    let role = match name.role {
        KeyRole::Next => "NEXT",
        _ => "CURRENT",
    };
    format!("{region}QSTASH_{role}_SIGNING_KEY")
}

fn read(
    get: &impl Fn(&str) -> Option<OsString>,
    name: &str,
) -> Result<Option<String>, ConfigError> {
    get(name)
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| ConfigError::Variable(name.to_owned()))
}
