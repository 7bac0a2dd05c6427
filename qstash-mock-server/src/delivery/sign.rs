//! Signatures: `QStash-Signature`, lower-case hex of HMAC-SHA256 over the raw body (v1.md section 5), and
//! `Upstash-Signature`, a JWT over URL and body (v2.md section 4).

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use qstash_verify::{KeyError, NewToken, SigningKey};

use crate::engine::{Attempt, Envelope, Timestamp};
use crate::text::token_id;

/// The most prepared keys that are kept. Beyond that all are dropped; they are cheap to make.
const MAX_KEYS: usize = 1024;

/// Signs attempts. Keeps a prepared key for each secret, so that only the message has to be hashed.
#[derive(Default)]
pub(super) struct Signer(RwLock<HashMap<Arc<str>, SigningKey>>);

impl Signer {
    /// The signature of an attempt, made at `now`.
    pub(super) fn sign(
        &self,
        attempt: &Attempt,
        body: &[u8],
        now: Timestamp,
    ) -> Result<String, KeyError> {
        match &attempt.envelope {
            Envelope::QueueRules(envelope) => Ok(self.key(&envelope.secret)?.sign(body)),
            Envelope::CarriedRules(envelope) => {
                let key = self.key(&envelope.key)?;
                let id = token_id(attempt.message, attempt.number);
                let now = qstash_verify::Timestamp::from_secs(now.as_secs());
                Ok(NewToken::new(&attempt.url, now, &id).sign(&key, body))
            }
        }
    }

    fn key(&self, secret: &Arc<str>) -> Result<SigningKey, KeyError> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(secret) {
            return Ok(key.clone());
        }
        drop(keys);
        let key = SigningKey::new(secret.as_bytes())?;
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(Arc::clone(secret), key.clone());
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(signer: &Signer, secret: &str) -> String {
        let body = b"Test Using Larger Than Block-Size Key - Hash Key First";
        signer.key(&Arc::from(secret)).unwrap().sign(body)
    }

    #[test]
    fn a_signature_is_the_hmac_that_openssl_computes() {
        let signer = Signer::default();
        for _ in 0..2 {
            assert_eq!(
                sign(&signer, "a signing secret"),
                "adfd00ee7725e08b3fd60161e9c8d65c0746e98c4c0ae48b63c25121852cb075"
            );
        }
    }

    #[test]
    fn each_secret_signs_differently() {
        let signer = Signer::default();
        let one = sign(&signer, "a signing secret");
        assert_ne!(one, sign(&signer, "another signing secret"));
        assert_eq!(one, sign(&signer, "a signing secret"));
    }

    #[test]
    fn the_number_of_kept_keys_is_bounded() {
        let signer = Signer::default();
        for number in 0..=MAX_KEYS {
            sign(&signer, &format!("a signing secret {number}"));
        }
        assert_eq!(signer.0.read().unwrap().len(), 1);
    }

    #[test]
    fn a_secret_that_is_too_short_signs_nothing() {
        assert!(Signer::default().key(&Arc::from("short")).is_err());
    }
}
