//! The functions that read hostile text, for the fuzz targets (`fuzz/`) and for the test below, which runs their
//! seeds on a stable toolchain.

use crate::engine::{Cron, RetryDelay, Timestamp};

/// Reads a retry-delay expression or a cron expression, which must be refused or have a bounded result.
pub fn expressions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(delay) = RetryDelay::parse(text) {
        assert_eq!(delay.as_str(), text);
        for retried in [0, 1, 1000, u32::MAX] {
            assert!(delay.delay(retried) <= RetryDelay::MAX);
        }
    }
    if let Ok(cron) = Cron::parse(text) {
        assert_eq!(cron.as_str(), text.trim());
        for millis in [0, 1_774_746_000_000, 4_000_000_000_000] {
            let time = Timestamp::from_millis(millis);
            assert!(cron.next_after(time).is_none_or(|next| next > time));
        }
    }
}

/// Reads a `/v2` request: the first line is the path with its query, the others are headers.
pub fn request(data: &[u8]) {
    crate::api::fuzz_request(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/seeds")
            .join(target);
        let files =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(paths.len() > 3, "{target} has seeds");
        paths.iter().map(|path| fs::read(path).unwrap()).collect()
    }

    /// The generator of Lehmer: the same mutations in every run.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
        }
    }

    /// Runs `target` with each seed, and with texts that are made of two seeds with some bytes changed.
    fn run(target: &str, rounds: usize, accept: fn(&[u8])) {
        const BYTES: &[u8] = b"0159()+-*/,=:;%&?#@[]{}<>.eE \t\n\r\"'\\azAZ_\0\x7f\x80\xc3\xff";
        let seeds = seeds(target);
        seeds.iter().for_each(|seed| accept(seed));
        let mut dice = Dice(7);
        for _ in 0..rounds {
            let one = &seeds[dice.below(seeds.len())];
            let other = &seeds[dice.below(seeds.len())];
            let mut text = one[..dice.below(one.len() + 1)].to_vec();
            text.extend_from_slice(&other[dice.below(other.len() + 1)..]);
            for _ in 0..dice.below(4) {
                if !text.is_empty() {
                    let place = dice.below(text.len());
                    text[place] = BYTES[dice.below(BYTES.len())];
                }
            }
            accept(&text);
        }
    }

    #[test]
    fn expressions_stand_their_seeds_and_mutations_of_them() {
        run("expressions", 5_000, expressions);
    }

    #[test]
    fn requests_stand_their_seeds_and_mutations_of_them() {
        run("request", 5_000, request);
    }
}
