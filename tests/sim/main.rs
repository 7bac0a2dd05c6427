//! The engine against virtual time, scripted consumers, crashes and a reference model.
//!
//! `PROPTEST_CASES` sets the number of random cases (64), `PROPTEST_RNG_SEED` repeats a run.

mod agreement;
mod bounds;
mod carried;
mod disk;
mod model;
mod properties;
mod run;
mod storage;
mod stories;
mod words;
mod world;
