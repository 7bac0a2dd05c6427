//! The seed of a server in reports.

/// The seed of a server. `Display` writes how a person repeats a run with it.
pub(crate) struct Seed(pub(crate) Option<u64>);

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(seed) => write!(
                f,
                "seed {seed}: `MockServer::builder().seed({seed})` makes the same ids and faults again"
            ),
            None => f.write_str("no seed: ids and faults cannot be made again"),
        }
    }
}
