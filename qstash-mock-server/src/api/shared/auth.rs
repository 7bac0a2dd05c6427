//! The caller of a request, by its bearer token. Tokens expire in real time, which is checked at each request.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRequestParts;
use base64ct::{Base64, Encoding};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use subtle::ConstantTimeEq;

use super::super::ApiState;
use super::error::ApiError;
use super::limits::{REMEMBERED_TOKENS, TOKEN_BYTES};
use super::token::{self, Grant};
use crate::engine::{AccountName, Caller, Permissions, Secret};
use crate::percent::{query_text, segment};

/// The published development users and their passwords (v2.md section 1.4).
const DEVELOPMENT_USERS: [(&str, &str); 4] = [
    (AccountName::DEFAULT, "defaultPassword"),
    ("testUser1", "testPassword"),
    ("testUser2", "testPassword"),
    ("testUser3", "testPassword"),
];

/// The current and next signing keys of the published development users, in the same order.
const DEVELOPMENT_KEYS: [[&str; 2]; 4] = [
    [
        "sig_7kYjw48mhY7kAjqNGcy6cr29RJ6r",
        "sig_5ZB6DVzB1wjE8S6rZ7eenA8Pdnhs",
    ],
    [
        "sig_7GVPjvuwsfqF65iC8fSrs1dfYruM",
        "sig_5NoELc3EFnZn4DVS5bDs2Nk4b7Ua",
    ],
    [
        "sig_6jWGaWRxHsw4vMSPJprXadyvrybF",
        "sig_7qHbvhmahe5GwfePDiS5Lg3pi6Qx",
    ],
    [
        "sig_5T8FcSsynBjn9mMLBsXhpacRovJf",
        "sig_7GFR4YaDshFcqsxWRZpRB161jguD",
    ],
];

/// The token of a published development user: base64 of a JSON object (v2.md section 1.4).
fn development_token(user: &str, password: &str) -> String {
    let text = format!(r#"{{"UserID":"{user}","Password":"{password}"}}"#);
    Base64::encode_string(text.as_bytes())
}

/// The token of the first published development user, whose account is [`AccountName::DEFAULT`].
fn default_development_token() -> String {
    let (user, password) = DEVELOPMENT_USERS[0];
    development_token(user, password)
}

/// Checks tokens.
pub(crate) struct Authenticator {
    secret: Option<Secret>,
    /// The development users that are accepted, by their tokens: all of them or none.
    development: Vec<(String, Arc<Caller>)>,
    /// Tokens with a valid signature, so that it need not be computed for each request. The cache is emptied when it
    /// is full.
    remembered: RwLock<HashMap<Box<str>, Grant>>,
}

impl Authenticator {
    /// `token_secret` signs JWTs. The published development users are accepted without one, or if `dev_users` is set.
    pub(crate) fn new(token_secret: Option<Secret>, dev_users: bool) -> Self {
        let users: &[_] = if token_secret.is_none() || dev_users {
            &DEVELOPMENT_USERS
        } else {
            &[]
        };
        Self {
            secret: token_secret,
            development: users
                .iter()
                .map(|(user, password)| (development_token(user, password), everything(user)))
                .collect(),
            remembered: RwLock::default(),
        }
    }

    /// The signing keys of the published development users (v2.md section 1.4), if they are accepted.
    pub(crate) fn development_keys(&self) -> BTreeMap<AccountName, [Secret; 2]> {
        let users = self.development.iter().zip(DEVELOPMENT_KEYS);
        let keyed = |((_, caller), keys): (&(_, Arc<Caller>), [&str; 2])| {
            let keys = keys.map(|key| Secret(key.into()));
            (caller.account.clone(), keys)
        };
        users.map(keyed).collect()
    }

    /// A token that allows everything in the account [`AccountName::DEFAULT`].
    pub(crate) fn default_token(&self) -> String {
        self.secret
            .as_ref()
            .map_or_else(default_development_token, |secret| {
                token::issue_token(secret.0.as_bytes(), AccountName::DEFAULT, None, None, None)
            })
    }

    /// The caller that `token` stands for at `now`, in seconds since the Unix epoch.
    fn caller(&self, token: &str, now: u64) -> Result<Arc<Caller>, ApiError> {
        if let Some(caller) = self.development_user(token) {
            return Ok(caller);
        }
        let grant = self.grant(token).ok_or_else(ApiError::invalid_token)?;
        match grant.expires {
            Some(expires) if now as f64 >= expires => Err(ApiError::expired_token()),
            _ => Ok(grant.caller),
        }
    }

    /// The account that a request is about, if its token is valid.
    pub(in crate::api) fn account(&self, headers: &HeaderMap) -> Option<AccountName> {
        let now = crate::instruments::wall_time().as_secs();
        let caller = bearer(headers).and_then(|token| self.caller(token, now));
        Some(caller.ok()?.account.clone())
    }

    /// Compares a token with those of all development users, in a time that does not depend on which one it is.
    fn development_user(&self, token: &str) -> Option<Arc<Caller>> {
        let mut found = None;
        for (known, caller) in &self.development {
            if known.as_bytes().ct_eq(token.as_bytes()).into() {
                found = Some(caller);
            }
        }
        found.cloned()
    }

    fn grant(&self, token: &str) -> Option<Grant> {
        let secret = self.secret.as_ref()?;
        let remembered = self
            .remembered
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(grant) = remembered.get(token) {
            return Some(grant.clone());
        }
        drop(remembered);
        if token.len() > TOKEN_BYTES {
            return None;
        }
        let grant = token::verify(secret.0.as_bytes(), token)?;
        let mut remembered = self
            .remembered
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED_TOKENS {
            remembered.clear();
        }
        remembered.insert(token.into(), grant.clone());
        Some(grant)
    }
}

fn everything(account: &str) -> Arc<Caller> {
    Arc::new(Caller {
        account: AccountName::new(account),
        queues: None,
        permissions: Permissions::ALL,
        read_only: false,
    })
}

impl Authenticator {
    /// The caller of a v2 request, and its token. The token may also be in the query; a header has precedence (v2.md
    /// section 1.3).
    pub(in crate::api) fn v2_caller(
        &self,
        head: &Parts,
    ) -> Result<(Arc<Caller>, String), ApiError> {
        let token = if head.headers.contains_key(AUTHORIZATION) {
            bearer(&head.headers)?.to_owned()
        } else {
            token_in_query(head.uri.query().unwrap_or_default())?
        };
        let caller = self.caller(&token, crate::instruments::wall_time().as_secs())?;
        Ok((caller, token))
    }
}

/// The `qstash_token` of a query; `None` if there is not exactly one.
fn token_in_query(query: &str) -> Result<String, ApiError> {
    let mut given = query.split('&').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let named = query_text(name)?.eq_ignore_ascii_case("qstash_token");
        named.then_some(value)
    });
    let token = given.next().ok_or_else(ApiError::missing_token)?;
    if given.next().is_some() {
        return Err(ApiError::invalid_token());
    }
    // Not decoded like a form, because a token may contain a plus.
    segment(token).ok_or_else(ApiError::invalid_token)
}

/// The bearer token of a request.
pub(in crate::api) fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let mut given = headers.get_all(AUTHORIZATION).iter();
    let value = given.next().ok_or_else(ApiError::missing_token)?;
    if given.next().is_some() {
        return Err(ApiError::invalid_token());
    }
    let value = value.to_str().map_err(|_| ApiError::invalid_token())?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    match token.trim() {
        _ if !scheme.eq_ignore_ascii_case("bearer") => Err(ApiError::missing_token()),
        "" => Err(ApiError::missing_token()),
        token => Ok(token),
    }
}

/// The caller of a request. It is the first argument of each handler, so that nobody without a token learns what
/// exists.
pub(in crate::api) struct Identity(pub(in crate::api) Arc<Caller>);

impl FromRequestParts<ApiState> for Identity {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ApiState) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        api.authenticator()
            .caller(token, crate::instruments::wall_time().as_secs())
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::token::issue_token;
    use super::*;

    const SECRET: &str = "a token secret for tests";

    fn secured(dev_users: bool) -> Authenticator {
        Authenticator::new(Some(Secret(SECRET.into())), dev_users)
    }

    fn code(result: Result<Arc<Caller>, ApiError>) -> &'static str {
        result.unwrap_err().parts().1
    }

    #[test]
    fn the_published_tokens_are_the_ones_of_the_official_development_server() {
        assert_eq!(
            default_development_token(),
            "eyJVc2VySUQiOiJkZWZhdWx0VXNlciIsIlBhc3N3b3JkIjoiZGVmYXVsdFBhc3N3b3JkIn0="
        );
        assert_eq!(
            development_token("testUser3", "testPassword"),
            "eyJVc2VySUQiOiJ0ZXN0VXNlcjMiLCJQYXNzd29yZCI6InRlc3RQYXNzd29yZCJ9"
        );
    }

    #[test]
    fn published_users_are_off_on_a_secured_server_unless_asked_for() {
        let token = default_development_token();
        let open = Authenticator::new(None, false);
        assert_eq!(
            open.caller(&token, 0).unwrap().account.as_str(),
            "defaultUser"
        );
        assert!(secured(true).caller(&token, 0).is_ok());
        assert_eq!(code(secured(false).caller(&token, 0)), "invalid_token");
    }

    #[test]
    fn a_secured_server_has_a_signed_token_of_its_own() {
        let secured = secured(false);
        let caller = secured.caller(&secured.default_token(), 0).unwrap();
        assert_eq!(caller, everything(AccountName::DEFAULT));
    }

    #[test]
    fn without_a_secret_no_jwt_is_accepted() {
        let token = issue_token(b"", "mallory", None, None, None);
        let open = Authenticator::new(None, true);
        assert_eq!(code(open.caller(&token, 0)), "invalid_token");
    }

    #[test]
    fn a_remembered_token_still_expires() {
        let authenticator = secured(false);
        let token = issue_token(SECRET.as_bytes(), "shop", None, None, Some(100));
        assert!(authenticator.caller(&token, 99).is_ok());
        assert!(authenticator.caller(&token, 99).is_ok());
        assert_eq!(code(authenticator.caller(&token, 100)), "expired_token");
    }

    #[test]
    fn no_more_tokens_are_remembered_than_the_bound() {
        let authenticator = secured(false);
        for number in 0..REMEMBERED_TOKENS + 10 {
            let token = issue_token(SECRET.as_bytes(), &format!("a{number}"), None, None, None);
            assert!(authenticator.caller(&token, 0).is_ok());
            assert!(authenticator.remembered.read().unwrap().len() <= REMEMBERED_TOKENS);
        }
    }

    #[test]
    fn only_one_bearer_token_counts() {
        let headers = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(AUTHORIZATION, value.parse().unwrap());
            }
            bearer(&headers)
                .map(str::to_owned)
                .map_err(|error| error.parts().1)
        };
        assert_eq!(headers(&["Bearer abc"]), Ok("abc".into()));
        assert_eq!(headers(&["bearer  abc "]), Ok("abc".into()));
        assert_eq!(headers(&[]), Err("missing_token"));
        assert_eq!(headers(&["Bearer "]), Err("missing_token"));
        assert_eq!(headers(&["Basic abc"]), Err("missing_token"));
        assert_eq!(headers(&["Bearer a", "Bearer b"]), Err("invalid_token"));
    }
}
