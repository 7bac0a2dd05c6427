//! How to see the same again, in words.

/// The seed of a server, as reports for a person name it.
pub(crate) struct Seed(pub(crate) u64);

impl std::fmt::Display for Seed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seed = self.0;
        write!(
            f,
            "seed {seed}: `MockServer::builder().seed({seed})` makes the same ids and faults again"
        )
    }
}
