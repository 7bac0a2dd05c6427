//! The seeds of a server.

use super::start::StartError;
use crate::engine::Seed;

/// The seeds of one server.
pub(super) struct Seeds {
    /// The number from which ids and faults derive; none if they derive from 32 random bytes.
    pub(super) told: Option<u64>,
    /// The seed of ids, leases, jitter and faults.
    pub(super) ids: Seed,
    /// The seed of signing secrets and signing keys.
    pub(super) secrets: Seed,
}

impl Seeds {
    /// Draws the seeds. With `seed` everything derives from it. Without it, secrets derive from random bytes of the
    /// operating system, because reports of tests show the number from which ids derive.
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

    /// The number from which faults derive. Faults are visible from outside, so nobody must be able to compute the
    /// seed of ids from them.
    pub(super) fn of_faults(&self) -> u64 {
        self.ids.number("faults")
    }
}

fn of_the_system() -> Result<Seed, StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| StartError::NoRandomness)?;
    Ok(Seed::from_bytes(bytes))
}
