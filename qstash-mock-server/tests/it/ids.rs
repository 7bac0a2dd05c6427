//! Ids give nothing away: who sees them learns neither the seed nor a secret.

use qstash_mock_server::MockServer;
use sha2::{Digest, Sha256};

use crate::support::Api;
use crate::testing::{START, start};

/// The leases that a server with [`OLD_SEED`] gave to its first four messages while ids were made by the old
/// scheme, and the secret that it signed with for `defaultUser`.
const OLD_LEASES: [&str; 4] = [
    "lse_d591fcd8522b92c9",
    "lse_46b9427a32d9a894",
    "lse_b1e616f67eaaaefe",
    "lse_167798e8a13aaf77",
];
const OLD_SECRET: &str = "5f72261b24a1d4bd6f101f9e6e393ffc";
const OLD_SEED: u64 = 0x5eed_0f1d_ea57_0bad;

/// How ids were made, how to undo it, and what followed from the seed: the attack knows the sources.
mod old {
    use super::{Digest, Sha256};

    const WORD: u64 = 0xff51_afd7_ed55_8ccd;
    const FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
    const SECOND: u64 = 0x94d0_49bb_1331_11eb;
    /// Leases were the second purpose of a random number.
    const LEASE: u64 = 2;

    /// What an attacker guesses of a lease: the number of the message in the server, and how many leases the
    /// message had before. The epoch need not be guessed: a server that was never restarted is in epoch 0.
    #[derive(Clone, Copy)]
    pub(super) struct Place {
        pub(super) sequence: u64,
        pub(super) counter: u64,
    }

    impl Place {
        /// The seed had three more words; made of one number they were 0.
        fn words(self) -> [u64; 6] {
            [0, 0, 0, LEASE, self.sequence, self.counter]
        }
    }

    pub(super) fn lease(seed: u64, place: Place) -> u64 {
        let mut mixed = mix(seed);
        for word in place.words() {
            mixed = mix(mixed ^ word.wrapping_mul(WORD)).wrapping_add(word);
        }
        mix(mixed)
    }

    /// Every step can be undone, so one lease has one seed for each place.
    pub(super) fn seed(lease: u64, place: Place) -> u64 {
        let mut mixed = unmix(lease);
        for word in place.words().into_iter().rev() {
            mixed = unmix(mixed.wrapping_sub(word)) ^ word.wrapping_mul(WORD);
        }
        unmix(mixed)
    }

    /// The first secret of an account, in a server that was never restarted.
    pub(super) fn secret(seed: u64, account: &str) -> String {
        let mut hash = Sha256::new();
        for word in [seed, 0, 0, 0, 0, 0] {
            hash.update(word.to_le_bytes());
        }
        hash.update(account.as_bytes());
        let digest = hash.finalize();
        let hex = digest[..16].iter().map(|byte| format!("{byte:02x}"));
        hex.collect()
    }

    fn mix(mut word: u64) -> u64 {
        word = (word ^ (word >> 30)).wrapping_mul(FIRST);
        word = (word ^ (word >> 27)).wrapping_mul(SECOND);
        word ^ (word >> 31)
    }

    fn unmix(mut word: u64) -> u64 {
        word = unshift(word, 31).wrapping_mul(inverse(SECOND));
        word = unshift(word, 27).wrapping_mul(inverse(FIRST));
        unshift(word, 30)
    }

    /// The `x` for which `x ^ (x >> by)` is `shifted`.
    fn unshift(shifted: u64, by: u32) -> u64 {
        let once = shifted ^ (shifted >> by);
        once ^ (shifted >> (2 * by))
    }

    /// The inverse of an odd number modulo 2^64: each round of Newton's doubles the bits that are right.
    fn inverse(odd: u64) -> u64 {
        (0..6).fold(odd, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)))
        })
    }
}

/// Where an attacker thinks that a lease may be: early in the life of a server.
fn places() -> impl Iterator<Item = old::Place> {
    (1..=48).flat_map(|sequence| (0..3).map(move |counter| old::Place { sequence, counter }))
}

/// The number that a consumer reads off a lease id.
fn number(lease: &str) -> u64 {
    let digits = lease.strip_prefix("lse_").expect("it is a lease id");
    u64::from_str_radix(digits, 16).unwrap()
}

/// All seeds that may have made the lease `known` and explain the lease `other` as well.
fn attack(known: u64, other: u64) -> Vec<u64> {
    let candidates = places().map(|place| old::seed(known, place));
    candidates.filter(|seed| explains(*seed, other)).collect()
}

fn explains(seed: u64, lease: u64) -> bool {
    places().any(|place| old::lease(seed, place) == lease)
}

#[test]
fn two_leases_of_the_old_scheme_tell_its_seed_and_its_secret() {
    let leases = OLD_LEASES.map(number);
    let found = attack(leases[0], leases[1]);
    assert_eq!(found, [OLD_SEED]);
    assert!(leases.iter().all(|lease| explains(found[0], *lease)));
    assert_eq!(old::secret(found[0], "defaultUser"), OLD_SECRET);
}

#[tokio::test]
async fn leases_of_today_tell_an_attacker_nothing() {
    let api = start(MockServer::builder().seed(OLD_SEED)).await;
    let leases = first_leases(&api).await.map(|lease| number(&lease));
    for (place, known) in leases.iter().enumerate() {
        // What the attack takes for the seed explains the lease that it was made of, and no other one.
        for (other_place, other) in leases.iter().enumerate() {
            if other_place != place {
                assert!(attack(*known, *other).is_empty());
            }
        }
        assert!(!places().any(|place| old::seed(*known, place) == OLD_SEED));
    }
    assert!(!leases.iter().any(|lease| explains(OLD_SEED, *lease)));
    assert_ne!(api.server.signing_secret(), OLD_SECRET);
}

/// The leases of the first four messages, which are published with nothing else.
async fn first_leases(api: &Api) -> [String; 4] {
    for number in 0..4 {
        api.publish("q", &number.to_string()).await;
    }
    let received = r#"{"max_messages":4}"#;
    let received = api.post("/v1/queues/q/receive", received).await;
    let messages = received["messages"].as_array().unwrap();
    let leases = messages.iter().map(|it| it["lease_id"].as_str().unwrap());
    let leases = leases.map(str::to_owned).collect::<Vec<_>>();
    leases.try_into().expect("there are four messages")
}

#[tokio::test]
async fn secrets_do_not_follow_from_the_seed_of_ids_unless_it_was_set() {
    // A token secret, so that `defaultUser` has no published signing keys.
    let builder = || MockServer::builder().manual_clock(START);
    let builder = || builder().token_secret("a secret of sixteen bytes");
    let drawn = start(builder()).await;
    let seed = drawn.server.seed().expect("reports tell it");
    let set = || start(builder().seed(seed));
    let (one, other) = (set().await, set().await);
    let leases = first_leases(&drawn).await;
    assert_eq!(first_leases(&one).await, leases);
    assert_eq!(first_leases(&other).await, leases);
    let [of_drawn, of_one, of_other] = [&drawn, &one, &other].map(secrets);
    assert_eq!(of_one, of_other);
    for secret in &of_drawn {
        assert!(!of_one.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn unguessable_ids_have_no_seed_unless_it_was_set() {
    let builder = || MockServer::builder().manual_clock(START).unguessable_ids();
    let (one, other) = (start(builder()).await, start(builder()).await);
    assert_eq!((one.server.seed(), other.server.seed()), (None, None));
    assert_ne!(first_leases(&one).await, first_leases(&other).await);
    one.server.expect().message_to("elsewhere").delivered();
    let report = one.server.try_verify().await.unwrap_err().to_string();
    assert!(report.contains("no seed"), "{report}");
    let set = start(builder().seed(7)).await;
    assert_eq!(set.server.seed(), Some(7));
}

/// The signing secret and both signing keys of `defaultUser`.
fn secrets(api: &Api) -> Vec<String> {
    let env = api.server.env().into_iter();
    env.filter(|(name, _)| name.contains("SIGNING"))
        .map(|(_, value)| value)
        .collect()
}
