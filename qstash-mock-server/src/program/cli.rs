//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::Failure;
use super::config::{Settings, default_of};
use super::console::{explained, print};
use super::serve::serve;
use crate::api::{is_queue_pattern, issue_token};
use crate::engine::{AccountName, Permission};
use crate::instruments::wall_time;

/// A complete QStash server with real queueing semantics, for tests and local development.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    /// A TOML file with any of these settings
    #[arg(long, global = true, env = "QSTASH_MOCK_CONFIG")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Subcommands>,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    /// Print a token that is limited to some queues and permissions
    Token(TokenArgs),
    /// Start like the official development server: with plan `payg`
    Dev(Box<DevArgs>),
}

#[derive(Debug, clap::Args)]
struct DevArgs {
    #[command(flatten)]
    settings: Settings,
    /// Accepted for compatibility: logs are read from the main port
    #[arg(long)]
    log_port: Option<u16>,
}

#[derive(Debug, clap::Args)]
struct TokenArgs {
    /// A queue name or glob; repeat it for several [default: all]
    #[arg(long = "queue", value_parser = queue_pattern)]
    queues: Vec<String>,
    /// A permission of the token; repeat it for several [default: all]
    #[arg(long = "allow", value_enum)]
    permissions: Vec<Allow>,
    /// How long the token is valid, for example 1d or 12h30m [default: for ever]
    #[arg(long, value_parser = duration)]
    expires: Option<Duration>,
    /// The account that the token belongs to
    #[arg(long, default_value = AccountName::DEFAULT, value_parser = NonEmptyStringValueParser::new())]
    account: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Allow {
    Publish,
    Consume,
    Manage,
    Metrics,
}

impl From<Allow> for Permission {
    fn from(allow: Allow) -> Self {
        match allow {
            Allow::Publish => Self::Publish,
            Allow::Consume => Self::Consume,
            Allow::Manage => Self::Manage,
            Allow::Metrics => Self::Metrics,
        }
    }
}

/// Runs the program with the arguments of the process. It returns when the program was stopped by a signal, has
/// printed a token, or has failed; the exit code says which. For a usage error or `--help` it ends the process.
#[must_use]
pub fn run() -> ExitCode {
    let matches = command().get_matches_from(std::env::args_os().map(double_dashed));
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let result = match cli.command {
        Some(Subcommands::Token(args)) => token(cli.settings, cli.config.as_deref(), &args),
        Some(Subcommands::Dev(args)) => {
            let settings = args.settings.or(cli.settings).like_official();
            serve(settings, cli.config.as_deref(), Some(BANNER))
        }
        None => serve(cli.settings, cli.config.as_deref(), None),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, there is no other way to report the error.
            let _ = writeln!(std::io::stderr(), "error: {}", explained(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The line that tools which start the official development server wait for. It is a comment to a shell.
const BANNER: &str = "# The QStash development server is running.";

/// The command line, with the defaults of the settings in its help. A negative number counts as a value of the option
/// before it, so that the error names the option.
fn command() -> clap::Command {
    fn told(arg: clap::Arg, official: bool) -> clap::Arg {
        let default = match arg.get_id().as_str() {
            "quota" if official => Some("payg".to_owned()),
            other => default_of(other),
        };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let arg = arg.allow_negative_numbers(true);
        match default {
            Some(default) => arg.help(format!("{help} [default: {default}]")),
            None => arg,
        }
    }
    Cli::command()
        .mut_args(|arg| told(arg, false))
        .mut_subcommand("dev", |dev| dev.mut_args(|arg| told(arg, true)))
}

/// Adds a dash to the long flags that the official command accepts with one dash: `dev -port 8080`, `dev -port=8080`.
fn double_dashed(argument: OsString) -> OsString {
    match argument.to_str() {
        Some(text) if is_official(text) => format!("-{text}").into(),
        _ => argument,
    }
}

fn is_official(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default();
    ["-port", "-log-port", "-quota"].contains(&name)
}

fn token(settings: Settings, config: Option<&Path>, args: &TokenArgs) -> Result<(), Failure> {
    let settings = settings.complete(config)?;
    let secret = settings.token_secret()?.ok_or(
        "a token needs the server's token secret: set QSTASH_TOKEN_SECRET or pass --token-secret",
    )?;
    let permissions: Vec<Permission> = args
        .permissions
        .iter()
        .map(|allow| (*allow).into())
        .collect();
    let token = issue_token(
        secret.as_bytes(),
        &args.account,
        Some(args.queues.as_slice()).filter(|queues| !queues.is_empty()),
        Some(permissions.as_slice()).filter(|permissions| !permissions.is_empty()),
        args.expires
            .map(|expires| (wall_time() + expires).as_secs()),
    );
    print(&[token])?;
    Ok(())
}

/// Reads a queue pattern of a token.
fn queue_pattern(text: &str) -> Result<String, String> {
    if is_queue_pattern(text) {
        Ok(text.to_owned())
    } else {
        Err("a queue is 1 to 256 of `A-Za-z0-9_.-`, and `*` for any text".to_owned())
    }
}

/// Reads a duration: one or more numbers, each with `d`, `h`, `m` or `s`.
fn duration(text: &str) -> Result<Duration, String> {
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong(text))?;
        let unit = match rest.as_bytes().get(digits) {
            Some(b'd') => 86_400,
            Some(b'h') => 3_600,
            Some(b'm') => 60,
            Some(b's') => 1,
            _ => return Err(wrong(text)),
        };
        total = number
            .checked_mul(unit)
            .and_then(|it| total.checked_add(it))
            .ok_or_else(|| wrong(text))?;
        rest = &rest[digits + 1..];
    }
    if text.is_empty() || total > 3_650 * 86_400 {
        Err(wrong(text))
    } else {
        Ok(Duration::from_secs(total))
    }
}

fn wrong(text: &str) -> String {
    format!("`{text}` is not a duration such as 1d or 12h30m, of at most ten years")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_is_an_environment_variable_too() {
        let all = command();
        let dev = all.find_subcommand("dev").unwrap();
        for arg in all.get_arguments().chain(dev.get_arguments()) {
            let variable = match arg.get_id().as_str() {
                "signing_secret" => "QSTASH_SIGNING_SECRET".to_owned(),
                "token_secret" => "QSTASH_TOKEN_SECRET".to_owned(),
                "admin_token" => "QSTASH_ADMIN_TOKEN".to_owned(),
                // It means nothing, so what its variable says must not matter either.
                "log_port" => continue,
                other => format!("QSTASH_MOCK_{}", other.to_ascii_uppercase()),
            };
            let found = arg.get_env().and_then(|it| it.to_str());
            assert_eq!(found, Some(&*variable));
            let flag = arg.get_id().as_str().replace('_', "-");
            assert_eq!(arg.get_long(), Some(&*flag));
        }
    }

    #[test]
    fn the_official_commands_flags_may_have_one_dash_and_an_equals_sign() {
        for (word, expected) in [
            ("-port", "--port"),
            ("-port=9", "--port=9"),
            ("-log-port=10", "--log-port=10"),
            ("-quota=pro", "--quota=pro"),
            ("--quota=pro", "--quota=pro"),
            ("-portable", "-portable"),
            ("-9", "-9"),
        ] {
            assert_eq!(double_dashed(word.into()), expected);
        }
        for words in [
            "dev -port 9 -log-port 10 -quota pro",
            "dev -port=9 -log-port=10",
        ] {
            let words = ["x"].into_iter().chain(words.split(' '));
            let cli = Cli::try_parse_from(words.map(|word| double_dashed(word.into()))).unwrap();
            let Some(Subcommands::Dev(dev)) = cli.command else {
                panic!("{:?}", cli.command);
            };
            assert_eq!(dev.log_port, Some(10));
        }
    }

    #[test]
    fn switches_may_stand_before_the_subcommand() {
        let cli = Cli::try_parse_from([
            "x",
            "--dev-users",
            "token",
            "--queue",
            "order-*",
            "--token-secret",
            "s",
            "--allow",
            "publish",
        ]);
        assert!(matches!(cli.unwrap().command, Some(Subcommands::Token(_))));
        for bad in ["", "a b", "ö"] {
            assert!(
                Cli::try_parse_from(["x", "token", "--queue", bad]).is_err(),
                "{bad}"
            );
        }
        for bad in [
            &["--metrics", "maybe"][..],
            &["--port", "70000"],
            &["--nonsense"],
        ] {
            assert!(
                Cli::try_parse_from([&["x"], bad].concat()).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, seconds) in [
            ("1d", 86_400),
            ("12h30m", 45_000),
            ("90s", 90),
            ("1h1s", 3_601),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for bad in [
            "",
            "1",
            "d",
            "-1d",
            "1.5h",
            "1w",
            "1d ",
            "99999999999999999999d",
            "9999999d",
            "1é",
        ] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
