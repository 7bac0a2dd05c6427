#![doc = include_str!("../README.md")]

fn main() -> std::process::ExitCode {
    qstash_mock_server::cli::run()
}
