//! A bounded run of the fuzz target: its seed corpus, and each seed changed some thousand times.

use std::path::Path;

#[path = "../../fuzz/fuzz_targets/target.rs"]
mod target;

/// Changes of each seed. Debug builds are slow.
const ROUNDS: usize = 2_000;

/// A small generator of our own, so that each run is the same (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(number).unwrap() % limit
    }
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    const TOKENS: [&[u8]; 8] = [b".", b"=", b"\"", b"{", b"\\u", b"\xff", b"e999", b"\0"];
    let at = 1 + random.below(input.len());
    let at = at.min(input.len());
    match random.below(5) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 => input.truncate(at),
        2 => drop(input.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
        3 if at < input.len() => drop(input.remove(at)),
        _ => {
            let other = &seeds[random.below(seeds.len())];
            let from = random.below(other.len());
            input.truncate(at);
            input.extend(&other[from..]);
        }
    }
}

#[test]
fn the_fuzz_target_holds_on_its_corpus_and_near_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/headers");
    let mut seeds: Vec<_> = std::fs::read_dir(corpus)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    seeds.sort();
    let seeds: Vec<_> = seeds
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(seeds.len() >= 10);
    let mut random = Random(0x5EED);
    for seed in &seeds {
        target::headers(seed);
        let mut input = seed.clone();
        for round in 0..ROUNDS {
            if round % 8 == 0 {
                input.clone_from(seed);
            }
            change(&mut input, &seeds, &mut random);
            target::headers(&input);
        }
    }
}
