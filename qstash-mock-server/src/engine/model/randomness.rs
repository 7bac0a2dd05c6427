//! Everything random in an engine: ids, leases, jitter and secrets.
//!
//! Each random value of a message derives from the seed, the epoch, the message's sequence and the purpose, not from
//! one shared stream. So two engines with the same seed and the same inputs make the same ids, and one more random
//! decision does not change all later ones.
//!
//! Everybody sees ids, and a test may print their seed. So nobody can compute the seed from ids, and secrets have a
//! seed of their own.

use uuid::Uuid;

use crate::engine::model::id::ScheduleId;
use crate::engine::model::seed::{Key, Seed};
use crate::engine::model::time::Timestamp;

/// What a random number is for. Numbers for different purposes have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    MessageId = 1,
    Lease = 2,
    Jitter = 3,
    ScheduleId = 4,
}

/// What a secret is for. The secrets of one account have nothing in common.
#[derive(Clone, Copy)]
enum SecretKind {
    SigningSecret = 1,
    SigningKey = 2,
}

/// Makes the random numbers and the secrets of one epoch.
#[derive(Clone, Debug)]
pub(crate) struct Randomness {
    ids: Key,
    secrets: Key,
}

impl Randomness {
    /// `seed` is for ids and jitter, `secret_seed` for secrets. They may be the same.
    pub(crate) fn new(seed: &Seed, secret_seed: &Seed, epoch: u64) -> Self {
        Self {
            ids: seed.key("ids", epoch),
            secrets: secret_seed.key("secrets", epoch),
        }
    }

    /// A 64-bit number for the `counter`-th use of `purpose` by the entity `sequence`.
    pub(crate) fn number(&self, purpose: Purpose, sequence: u64, counter: u64) -> u64 {
        self.ids.number(&input(purpose, sequence, counter))
    }

    /// A number in `0.0..1.0`.
    pub(crate) fn fraction(&self, purpose: Purpose, sequence: u64, counter: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
        let numerator = (self.number(purpose, sequence, counter) >> 11) as f64;
        numerator / (1u64 << 53) as f64
    }

    /// A version 7 UUID: ordered by `now`, random otherwise.
    pub(crate) fn uuid_v7(&self, now: Timestamp, purpose: Purpose, sequence: u64) -> Uuid {
        let digest = self.ids.digest(&input(purpose, sequence, 0));
        let mut random = [0; 10];
        random.copy_from_slice(&digest[..10]);
        uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid()
    }

    /// `scd_` and 28 base58 characters (v2.md appendix B).
    pub(crate) fn schedule_id(&self, sequence: u64) -> ScheduleId {
        let digest = self.ids.digest(&input(Purpose::ScheduleId, sequence, 0));
        ScheduleId::made(&base58("scd_", &digest[..28]))
    }

    /// 32 hex digits that nobody can guess who does not know the seed of secrets.
    pub(crate) fn secret(&self, account: &str, generation: u64) -> String {
        let digest = self.of_account(SecretKind::SigningSecret, account, generation);
        let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
        hex.collect()
    }

    /// A signing key: `sig_` and 28 base58 characters that nobody can guess who does not know the seed of
    /// secrets (v2.md appendix B).
    pub(crate) fn signing_key(&self, account: &str, generation: u64) -> String {
        let digest = self.of_account(SecretKind::SigningKey, account, generation);
        base58("sig_", &digest[..28])
    }

    fn of_account(&self, kind: SecretKind, account: &str, generation: u64) -> [u8; 32] {
        let mut input = (account.len() as u64).to_le_bytes().to_vec();
        input.push(kind as u8);
        input.extend_from_slice(&generation.to_le_bytes());
        input.extend_from_slice(account.as_bytes());
        self.secrets.digest(&input)
    }
}

/// The input for one random number. With the key it fits one block of SHA-256; a longer one would make every id take
/// twice as long.
fn input(purpose: Purpose, sequence: u64, counter: u64) -> [u8; 17] {
    let mut input = [0; 17];
    input[0] = purpose as u8;
    input[1..9].copy_from_slice(&sequence.to_le_bytes());
    input[9..].copy_from_slice(&counter.to_le_bytes());
    input
}

/// One base58 character for each byte: not an encoding, only the alphabet.
fn base58(prefix: &str, bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let digits = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
    prefix.chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn random(seed: u64, secret_seed: u64, epoch: u64) -> Randomness {
        Randomness::new(&Seed::from(seed), &Seed::from(secret_seed), epoch)
    }

    /// All that an engine makes of its randomness, ids first and secrets last.
    fn everything(random: &Randomness) -> [Vec<String>; 2] {
        let ids = (0..3).flat_map(|sequence| {
            [
                random.number(Purpose::Lease, sequence, 0).to_string(),
                random.number(Purpose::Lease, sequence, 1).to_string(),
                random.number(Purpose::Jitter, sequence, 0).to_string(),
                random
                    .uuid_v7(NOW, Purpose::MessageId, sequence)
                    .to_string(),
                random.schedule_id(sequence).to_string(),
            ]
        });
        let secrets = ["defaultUser", "shop", ""].into_iter().flat_map(|account| {
            [0, 1].into_iter().flat_map(move |generation| {
                [
                    random.secret(account, generation),
                    random.signing_key(account, generation),
                ]
            })
        });
        [ids.collect(), secrets.collect()]
    }

    #[test]
    fn the_same_seeds_and_epoch_make_the_same_ids_and_secrets() {
        assert_eq!(everything(&random(7, 8, 1)), everything(&random(7, 8, 1)));
    }

    #[test]
    fn secrets_do_not_follow_from_the_seed_of_ids_nor_ids_from_that_of_secrets() {
        let [ids, secrets] = everything(&random(7, 8, 0));
        let [same_ids, other_secrets] = everything(&random(7, 9, 0));
        assert_eq!(ids, same_ids);
        assert!(secrets.iter().all(|it| !other_secrets.contains(it)));
        let [other_ids, same_secrets] = everything(&random(6, 8, 0));
        assert_eq!(secrets, same_secrets);
        assert!(ids.iter().all(|it| !other_ids.contains(it)));
    }

    #[test]
    fn no_id_and_no_secret_comes_twice_in_different_epochs_places_and_accounts() {
        let all: Vec<_> = [(7, 7, 0), (7, 7, 1), (7, 7, 2), (8, 8, 0)]
            .into_iter()
            .flat_map(|(seed, secrets, epoch)| everything(&random(seed, secrets, epoch)))
            .flatten()
            .collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert!(all.len() > 100);
    }

    #[test]
    fn neighbours_differ_in_about_half_of_their_bits() {
        let random = random(7, 7, 0);
        let pairs = (0..1_000).map(|sequence| {
            let [one, next] =
                [sequence, sequence + 1].map(|it| random.number(Purpose::Lease, it, 0));
            (one ^ next).count_ones()
        });
        let mean = f64::from(pairs.sum::<u32>()) / 1_000.0;
        assert!((31.0..33.0).contains(&mean), "{mean}");
    }

    #[test]
    fn a_fraction_is_from_0_to_less_than_1_and_lies_anywhere() {
        let random = random(7, 7, 0);
        let fractions: Vec<_> = (0..1_000)
            .map(|sequence| random.fraction(Purpose::Jitter, sequence, 3))
            .collect();
        assert!(fractions.iter().all(|it| (0.0..1.0).contains(it)));
        let mean = fractions.iter().sum::<f64>() / 1_000.0;
        assert!((0.45..0.55).contains(&mean), "{mean}");
    }

    #[test]
    fn nothing_that_is_printed_shows_a_seed_or_a_key() {
        let seed = Seed::from(4711);
        let random = Randomness::new(&seed, &seed, 0);
        assert_eq!(format!("{seed:?}"), "Seed(..)");
        let shown = format!("{random:?}");
        assert_eq!(shown, "Randomness { ids: Key(..), secrets: Key(..) }");
    }
}
