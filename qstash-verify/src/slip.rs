//! What people give in place of a key by mistake.
//!
//! Each of these makes a key that fits no signature, and nobody sees why: the value looks right. So they are refused
//! when the key is made. The error tells the reason, and shows nothing of the value.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::KeyError;

/// Looks at a secret of any kind.
pub(crate) fn check(secret: &[u8]) -> Result<(), KeyError> {
    if has_byte_order_mark(secret) {
        return Err(KeyError::ByteOrderMark);
    }
    let Some(text) = text(secret) else {
        return Ok(());
    };
    if text.contains(['\n', '\r']) || text.trim_matches(is_blank).len() < text.len() {
        return Err(KeyError::Blank);
    }
    if is_quoted(text) {
        return Err(KeyError::Quoted);
    }
    if is_token(text) {
        return Err(KeyError::Token);
    }
    Ok(())
}

/// Looks at a v2 signing key, in addition.
pub(crate) fn check_signing_key(key: &[u8]) -> Result<(), KeyError> {
    match text(key) {
        Some(text) if !text.starts_with("sig_") => Err(KeyError::NotASigningKey),
        _ => Ok(()),
    }
}

/// Returns the secret as text, or `None` if it is made of other bytes than people type: then they are meant as they
/// are.
fn text(secret: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(secret).ok()?;
    let typed = |it: char| !it.is_control() || matches!(it, '\t' | '\n' | '\r');
    text.chars().all(typed).then_some(text)
}

fn has_byte_order_mark(secret: &[u8]) -> bool {
    match secret {
        [0xef, 0xbb, 0xbf, ..] => true,
        // UTF-16, in which every other byte of a key is zero.
        [0xff, 0xfe, _, 0, _, 0, ..] | [0xfe, 0xff, 0, _, 0, _, ..] => true,
        _ => false,
    }
}

/// White space, and characters of no width.
fn is_blank(it: char) -> bool {
    it.is_whitespace() || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn is_quoted(text: &str) -> bool {
    let pairs = [
        ('"', '"'),
        ('\'', '\''),
        ('`', '`'),
        ('\u{201c}', '\u{201d}'),
        ('\u{2018}', '\u{2019}'),
    ];
    let ends = text.chars().next().zip(text.chars().next_back());
    text.chars().count() > 1 && ends.is_some_and(|ends| pairs.contains(&ends))
}

/// Whether the text is an `Authorization` header, or begins with a JSON object in base64, as QStash's API tokens and
/// all JWTs do.
fn is_token(text: &str) -> bool {
    let start = |name: &str| {
        let word = text.get(..name.len());
        word.is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    if start("Bearer ") || start("Basic ") {
        return true;
    }
    let first = text.split('.').next().unwrap_or(text).trim_end_matches('=');
    let decoded = URL_SAFE_NO_PAD
        .decode(first)
        .or_else(|_| STANDARD_NO_PAD.decode(first));
    decoded.is_ok_and(|json| serde_json::from_slice::<Object>(&json).is_ok())
}

type Object = std::collections::BTreeMap<String, serde::de::IgnoredAny>;
