//! Tokens: JWTs (HS256) with the claims of v1.md section 1.

use std::sync::Arc;

use qstash_verify::jws::{sign_hs256, verify_hs256};
use serde::Deserialize;

use super::json::Json;
use crate::engine::{AccountName, Caller, Permission, Permissions, QueueName};

/// The grant of a token with a valid signature and valid claims. Its expiry is checked at each request.
#[derive(Clone, Debug)]
pub(in crate::api) struct Grant {
    pub(in crate::api) caller: Arc<Caller>,
    /// When the token expires, in seconds since the Unix epoch.
    pub(in crate::api) expires: Option<f64>,
}

/// Makes a token. `queues` and `permissions` limit it if they are given; `expires` is in seconds since the Unix
/// epoch, in real time.
pub(crate) fn issue_token(
    secret: &[u8],
    account: &str,
    queues: Option<&[String]>,
    permissions: Option<&[Permission]>,
    expires: Option<u64>,
) -> String {
    let claims = Json::object(|json| {
        json.key("sub").text(account);
        if let Some(expires) = expires {
            json.key("exp").integer(expires);
        }
        if let Some(queues) = queues {
            json.key("queues")
                .items(queues, |json, queue| json.text(queue));
        }
        if let Some(permissions) = permissions {
            json.key("permissions")
                .items(permissions, |json, permission| {
                    json.text(permission.as_str());
                });
        }
    });
    sign_hs256(secret, &claims.into_bytes())
}

/// The grant in `token`; `None` if it is not signed with `secret` or its claims are malformed.
pub(in crate::api) fn verify(secret: &[u8], token: &str) -> Option<Grant> {
    let payload = verify_hs256(secret, token).ok()?;
    let claims: Claims = serde_json::from_slice(&payload).ok()?;
    claims.grant()
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: Option<f64>,
    queues: Option<Vec<String>>,
    permissions: Option<Vec<String>>,
    /// The token may read everything and change nothing.
    #[serde(default)]
    read_only: bool,
}

impl Claims {
    fn grant(self) -> Option<Grant> {
        if self.sub.is_empty() || !self.queues.iter().flatten().all(|it| is_queue_pattern(it)) {
            return None;
        }
        let permissions = match self.permissions {
            None => Permissions::ALL,
            Some(names) => names
                .iter()
                .map(|it| permission(it))
                .collect::<Option<_>>()?,
        };
        let caller = Caller {
            account: AccountName::new(&self.sub),
            queues: self.queues,
            permissions,
            read_only: self.read_only,
        };
        Some(Grant {
            caller: Arc::new(caller),
            expires: self.exp,
        })
    }
}

/// Whether `text` can limit a token to queues: a queue name, in which `*` may stand for any text.
pub(crate) fn is_queue_pattern(text: &str) -> bool {
    QueueName::parse(&text.replace('*', "_")).is_some()
}

fn permission(name: &str) -> Option<Permission> {
    Permission::ALL.into_iter().find(|it| it.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"a token secret for tests";

    fn claimed(claims: &str) -> Option<Grant> {
        verify(SECRET, &sign_hs256(SECRET, claims.as_bytes()))
    }

    #[test]
    fn an_issued_token_is_accepted_with_its_limits() {
        let queues = ["order-*".to_owned()];
        let allowed = [Permission::Publish, Permission::Metrics];
        let token = issue_token(SECRET, "shop", Some(&queues), Some(&allowed), Some(99));
        let grant = verify(SECRET, &token).unwrap();
        assert_eq!(grant.caller.account.as_str(), "shop");
        assert_eq!(grant.caller.queues.as_deref(), Some(&queues[..]));
        assert_eq!(grant.caller.permissions, allowed.into_iter().collect());
        assert_eq!(grant.expires, Some(99.0));
        assert!(verify(b"another secret altogether", &token).is_none());
    }

    #[test]
    fn a_token_without_limits_allows_everything() {
        let grant = claimed(r#"{"sub":"shop","iat":1,"aud":["x"]}"#).unwrap();
        assert_eq!(grant.caller.queues, None);
        assert_eq!(grant.caller.permissions, Permissions::ALL);
    }

    #[test]
    fn claims_of_another_shape_are_no_token() {
        for claims in [
            "",
            "[]",
            "{}",
            r#"{"sub":""}"#,
            r#"{"sub":7}"#,
            r#"{"sub":"a","exp":"soon"}"#,
            r#"{"sub":"a","queues":"b"}"#,
            r#"{"sub":"a","queues":["b c"]}"#,
            r#"{"sub":"a","queues":[""]}"#,
            r#"{"sub":"a","queues":["*","ö"]}"#,
            r#"{"sub":"a","permissions":["fly"]}"#,
            r#"{"sub":"a","permissions":"publish"}"#,
        ] {
            assert!(claimed(claims).is_none(), "{claims}");
        }
    }
}
