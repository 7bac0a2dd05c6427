//! What the randomness of a server begins with.

use super::start::StartError;
use crate::engine::Seed;

/// The seeds of one server.
pub(super) struct Seeds {
    /// The number that makes the same ids and faults again; none if ids begin with more than a number.
    pub(super) told: Option<u64>,
    /// For ids, leases, jitter and faults.
    pub(super) ids: Seed,
    /// For signing secrets and signing keys.
    pub(super) secrets: Seed,
}

impl Seeds {
    /// With `seed` everything is repeatable. Without it secrets come from the operating system and from
    /// nothing else, because whoever reads a report of a test reads the number behind its ids.
    pub(super) fn draw(seed: Option<u64>, unguessable_ids: bool) -> Result<Self, StartError> {
        if let Some(seed) = seed {
            return Ok(Self {
                told: Some(seed),
                ids: Seed::from(seed),
                secrets: Seed::from(seed),
            });
        }
        let told = (!unguessable_ids).then(getrandom::u64).transpose();
        let told = told.map_err(|_| StartError::NoRandomness)?;
        Ok(Self {
            told,
            ids: told.map_or_else(of_the_system, |number| Ok(Seed::from(number)))?,
            secrets: of_the_system()?,
        })
    }

    /// What faults are decided by. They are seen from outside, so it must not lead back to the ids.
    pub(super) fn of_faults(&self) -> u64 {
        self.ids.number("faults")
    }
}

fn of_the_system() -> Result<Seed, StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| StartError::NoRandomness)?;
    Ok(Seed::from_bytes(bytes))
}
