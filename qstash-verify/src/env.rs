//! Keys from environment variables, under the names that the official receivers use (v2.md section 1.2).

use std::ffi::OsString;

use crate::{ConfigError, KeyName, KeyRole, Region, Scheme, VerifierBuilder};

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
        let mut builder = Self::default().of_environment();
        for variable in SECRETS {
            builder = match read(&get, variable) {
                Err(error) => builder.fail(error),
                Ok(None) => builder,
                Ok(Some(secret)) => {
                    let name = builder.next_secret();
                    builder.add(Scheme::Hmac, name, secret.as_bytes(), variable)
                }
            };
        }
        for region in [None, Some(Region::UsEast1), Some(Region::EuCentral1)] {
            for role in [KeyRole::Current, KeyRole::Next] {
                builder = builder.signing_key_of(&get, KeyName { role, region });
            }
        }
        builder
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
