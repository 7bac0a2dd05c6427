//! An account's secrets: one signs the pushes of queues, a pair of keys signs messages that carry their rules (v1.md
//! section 5, v2.md section 2.11).

use std::sync::Arc;

use crate::engine::config::Secret;
use crate::engine::error::Error;
use crate::engine::inputs::Engine;
use crate::engine::model::caller::{Caller, Permission};
use crate::engine::model::id::AccountName;
use crate::engine::model::keys::{Account, KeyAction, SigningKeys, SigningSecret};
use crate::engine::reply::Reply;

impl Engine {
    pub(crate) fn keys(&mut self, caller: &Caller, action: KeyAction) -> Result<Reply, Error> {
        caller.check_account(Permission::Manage)?;
        self.check_account(&caller.account)?;
        Ok(match action {
            KeyAction::Secret => secrets(self.ensure_account(&caller.account)),
            KeyAction::RotateSecret => self.rotate_signing_secret(caller),
            KeyAction::Keys => keys(self.ensure_account(&caller.account)),
            KeyAction::RotateKeys => self.rotate_signing_keys(caller),
        })
    }

    /// The account of this name, created with new secrets if it does not exist.
    pub(crate) fn ensure_account(&mut self, name: &AccountName) -> &Account {
        if self.state.account(name).is_none() {
            let configured = self.config.signing_secret.as_ref();
            let carried = configured.filter(|_| name.as_str() == AccountName::DEFAULT);
            let secret = carried.map_or_else(
                || self.random.secret(name.as_str(), 0).into(),
                |carried| Arc::clone(&carried.0),
            );
            let [signing_key, next_signing_key] = match self.config.signing_keys.get(name) {
                Some([current, next]) => [Arc::clone(&current.0), Arc::clone(&next.0)],
                None => [0, 1].map(|n| self.random.signing_key(name.as_str(), n).into()),
            };
            self.state.put_account(Account {
                name: name.clone(),
                secret,
                previous_secret: None,
                rotations: 0,
                signing_key,
                next_signing_key,
                key_rotations: 0,
            });
        }
        self.state.account(name).expect("it was just put there")
    }

    /// The signing secret of [`AccountName::DEFAULT`].
    pub fn default_signing_secret(&mut self) -> Secret {
        let account = self.ensure_account(&AccountName::new(AccountName::DEFAULT));
        Secret(Arc::clone(&account.secret))
    }

    /// The current and the next signing key of [`AccountName::DEFAULT`], for messages that carry their rules.
    pub fn default_signing_keys(&mut self) -> [Secret; 2] {
        let account = self.ensure_account(&AccountName::new(AccountName::DEFAULT));
        [&account.signing_key, &account.next_signing_key].map(|key| Secret(Arc::clone(key)))
    }

    /// Puts the configured signing secret in force, as a rotation would, if it is neither the stored secret nor the
    /// one before. Otherwise the stored secret stays: it may have been rotated since it was configured.
    pub(crate) fn adopt_signing_secret(&mut self) {
        let stored = self
            .state
            .account(&AccountName::new(AccountName::DEFAULT))
            .cloned();
        let (Some(stored), Some(Secret(configured))) = (stored, self.config.signing_secret.clone())
        else {
            return;
        };
        if stored.secret != configured && stored.previous_secret.as_ref() != Some(&configured) {
            self.state.put_account(Account {
                secret: configured,
                previous_secret: Some(stored.secret),
                ..stored
            });
        }
    }

    fn rotate_signing_secret(&mut self, caller: &Caller) -> Reply {
        let mut account = self.ensure_account(&caller.account).clone();
        account.rotations += 1;
        let new = self
            .random
            .secret(account.name.as_str(), account.rotations)
            .into();
        account.previous_secret = Some(std::mem::replace(&mut account.secret, new));
        let reply = secrets(&account);
        self.state.put_account(account);
        reply
    }

    fn rotate_signing_keys(&mut self, caller: &Caller) -> Reply {
        let mut account = self.ensure_account(&caller.account).clone();
        account.key_rotations += 1;
        // The first two numbers were for the first pair.
        let number = account.key_rotations + 1;
        let fresh = self
            .random
            .signing_key(account.name.as_str(), number)
            .into();
        account.signing_key = std::mem::replace(&mut account.next_signing_key, fresh);
        let reply = keys(&account);
        self.state.put_account(account);
        reply
    }
}

fn secrets(account: &Account) -> Reply {
    Reply::SigningSecret(SigningSecret {
        current: Arc::clone(&account.secret),
        previous: account.previous_secret.clone(),
    })
}

fn keys(account: &Account) -> Reply {
    Reply::SigningKeys(SigningKeys {
        current: Arc::clone(&account.signing_key),
        next: Arc::clone(&account.next_signing_key),
    })
}
