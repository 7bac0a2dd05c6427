//! The keys that a verifier is given, all at once: when it is made, and each time they are exchanged.

use crate::rotation::Held;
use crate::{ConfigError, KeyName, KeyRole, Region, Scheme, SigningKey};

/// All keys of a verifier: v1 secrets and v2 signing keys.
///
/// [`VerifierBuilder`](crate::VerifierBuilder) has the same setters, for keys that stay. Collect keys in a `Keys` where
/// they are exchanged while the verifier serves: [`Verifier::replace_keys`](crate::Verifier::replace_keys) and
/// [`refresh_keys_by`](crate::VerifierBuilder::refresh_keys_by) say how. A key that cannot be used is reported there:
/// if several cannot, the first. `Debug` shows no key.
///
/// ```
/// use qstash_verify::Keys;
///
/// let keys = Keys::new()
///     .secret("the secret of our account")
///     .current_signing_key("sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r")
///     .next_signing_key("sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs");
/// assert!(!format!("{keys:?}").contains("sig_"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "keys do nothing until a verifier gets them"]
pub struct Keys {
    secrets: Vec<(KeyName, SigningKey)>,
    signing_keys: Vec<(KeyName, SigningKey)>,
    numbered: usize,
    of_variables: bool,
    error: Option<ConfigError>,
}

impl Keys {
    /// Starts without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a v1 secret. Call it once for each secret while secrets are rotated.
    pub fn secret(self, secret: impl AsRef<[u8]>) -> Self {
        let name = self.next_secret();
        let label = name.to_string();
        self.add(Scheme::Hmac, name, secret.as_ref(), &label)
    }

    /// Adds v1 secrets.
    pub fn secrets(self, secrets: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        secrets.into_iter().fold(self, Self::secret)
    }

    /// Adds the current v2 signing key.
    pub fn current_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.role(KeyRole::Current, None, key.as_ref())
    }

    /// Adds the v2 signing key that becomes the current one with the next rotation.
    pub fn next_signing_key(self, key: impl AsRef<[u8]>) -> Self {
        self.role(KeyRole::Next, None, key.as_ref())
    }

    /// Adds v2 signing keys without a role.
    pub fn signing_keys(self, keys: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        keys.into_iter().fold(self, |mut this, key| {
            this.numbered += 1;
            let role = KeyRole::Other(this.numbered);
            this.role(role, None, key.as_ref())
        })
    }

    /// Adds the v2 signing keys of a region, as
    /// [`VerifierBuilder::regional_signing_keys`](crate::VerifierBuilder::regional_signing_keys) explains.
    pub fn regional_signing_keys(
        self,
        region: Region,
        current: impl AsRef<[u8]>,
        next: impl AsRef<[u8]>,
    ) -> Self {
        self.role(KeyRole::Current, Some(region), current.as_ref())
            .role(KeyRole::Next, Some(region), next.as_ref())
    }

    /// Makes the keys ready for use, if a verifier may have them.
    ///
    /// # Errors
    /// When a key cannot be used or is for an ignored header, when there is none, or when there are signing keys and no
    /// rule for their URL.
    pub(crate) fn hold(mut self, ignored: &[Scheme], has_url: bool) -> Result<Held, ConfigError> {
        if let Some(error) = self.take_error() {
            return Err(error);
        }
        let keys = [
            (Scheme::Hmac, &self.secrets),
            (Scheme::Jwt, &self.signing_keys),
        ];
        if keys.iter().all(|(_, keys)| keys.is_empty()) {
            return Err(if self.of_variables {
                ConfigError::NoKeyInEnvironment
            } else {
                ConfigError::NoKey
            });
        }
        for (scheme, keys) in keys {
            if ignored.contains(&scheme) && !keys.is_empty() {
                return Err(ConfigError::IgnoredKey(scheme));
            }
        }
        if !has_url && !self.signing_keys.is_empty() {
            return Err(ConfigError::NoUrl);
        }
        Ok(Held::new(self.secrets, self.signing_keys))
    }

    pub(crate) fn next_secret(&self) -> KeyName {
        KeyName {
            role: KeyRole::Secret(self.secrets.len() + 1),
            region: None,
        }
    }

    /// Adds a key. An error calls it `label`.
    pub(crate) fn add(mut self, scheme: Scheme, name: KeyName, key: &[u8], label: &str) -> Self {
        match SigningKey::of(scheme, key) {
            Ok(key) => {
                match scheme {
                    Scheme::Hmac => &mut self.secrets,
                    Scheme::Jwt => &mut self.signing_keys,
                }
                .push((name, key));
                self
            }
            Err(source) => self.fail(ConfigError::Key {
                name: label.to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn fail(mut self, error: ConfigError) -> Self {
        self.error.get_or_insert(error);
        self
    }

    pub(crate) fn take_error(&mut self) -> Option<ConfigError> {
        self.error.take()
    }

    pub(crate) fn of_variables(mut self) -> Self {
        self.of_variables = true;
        self
    }

    fn role(self, role: KeyRole, region: Option<Region>, key: &[u8]) -> Self {
        let name = KeyName { role, region };
        self.add(Scheme::Jwt, name, key, &name.to_string())
    }
}
