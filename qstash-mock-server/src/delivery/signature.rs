//! `QStash-Signature`: lower-case hex of HMAC-SHA256 over the raw body.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Prepared keys that are kept at most. Over it all are forgotten; they are cheap to make again.
const MAX_KEYS: usize = 1024;

/// Signs bodies. Keeps the prepared key of each secret, so that only the body is hashed.
#[derive(Default)]
pub(super) struct Signer(RwLock<HashMap<Arc<str>, Hmac<Sha256>>>);

impl Signer {
    /// The signature of `body` under `secret`.
    pub(super) fn sign(&self, secret: &Arc<str>, body: &[u8]) -> String {
        let mut mac = self.key(secret);
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    }

    fn key(&self, secret: &Arc<str>) -> Hmac<Sha256> {
        let keys = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = keys.get(secret) {
            return key.clone();
        }
        drop(keys);
        let key = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .expect("HMAC takes a key of any length");
        let mut keys = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(Arc::clone(secret), key.clone());
        key
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_of_rfc_4231() {
        // Test case 2.
        let signer = Signer::default();
        let secret = Arc::from("Jefe");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        for _ in 0..2 {
            let signature = signer.sign(&secret, b"what do ya want for nothing?");
            assert_eq!(signature, expected);
        }
    }

    #[test]
    fn each_secret_signs_differently() {
        let signer = Signer::default();
        let one = signer.sign(&Arc::from("one"), b"body");
        assert_ne!(one, signer.sign(&Arc::from("two"), b"body"));
        assert_eq!(one, signer.sign(&Arc::from("one"), b"body"));
    }

    #[test]
    fn the_number_of_kept_keys_is_bounded() {
        let signer = Signer::default();
        for number in 0..=MAX_KEYS {
            signer.sign(&Arc::from(number.to_string()), b"body");
        }
        assert_eq!(signer.0.read().unwrap().len(), 1);
    }
}
