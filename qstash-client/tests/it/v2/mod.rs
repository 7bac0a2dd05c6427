//! v2: the requests as golden text, the answers, what is repeated, what cannot be asked for.

mod answers;
mod destinations;
mod errors;
mod golden;
mod retries;
mod safety;
mod spans;
