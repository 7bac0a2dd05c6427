//! The program `qstash-mock-server`: the same server as in a test, with settings from the command line.
//!
//! `cli` reads the command line, `config` completes it from the environment, a file and the defaults
//! (`config.default.toml`), `serve` runs the server until a signal comes to the `console`.

pub mod cli;
mod config;
mod console;
mod serve;

/// Why the program ends with an error, in a sentence.
type Failure = Box<dyn std::error::Error>;
