//! v2: the requests as golden text, the answers, what is repeated, what cannot be asked for.

mod answers;
#[cfg(feature = "reqwest")]
mod destinations;
#[cfg(feature = "reqwest")]
mod errors;
mod golden;
mod golden_manage;
mod retries;
mod safety;
mod spans;
