//! The `qstash-mock-server` program.

fn main() -> std::process::ExitCode {
    qstash_mock_server::cli::run()
}
