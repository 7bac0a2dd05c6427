//! `dev`: the official development server's command, so that what starts that one can start this one
//! (v2.md section 1.4).

use std::ffi::OsString;

use crate::config::{Plan, Settings};

/// What the official command takes; everything else is set before the word `dev`.
#[derive(Debug, clap::Args)]
pub(super) struct DevArgs {
    /// Port to listen on [default: 8080]
    #[arg(long, env = "QSTASH_DEV_PORT")]
    port: Option<u16>,
    /// Accepted and not used: this program has no log server, and no SDK asks for one
    #[arg(long, env = "QSTASH_DEV_LOG_PORT")]
    log_port: Option<u16>,
    /// The plan whose quotas hold [default: payg]
    #[arg(long, env = "QSTASH_DEV_QUOTA", value_enum)]
    quota: Option<Plan>,
}

impl DevArgs {
    /// The settings, with these before them.
    pub(super) fn over(&self, settings: Settings) -> Settings {
        settings.for_development(self.port, self.quota)
    }
}

/// The official command takes its flags with one dash too: `dev -port 8080`.
pub(super) fn with_two_dashes(
    arguments: impl IntoIterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    let mut after_dev = false;
    arguments.into_iter().map(move |argument| {
        after_dev |= argument == "dev";
        let single = argument.to_str().filter(|text| {
            let name = text.split('=').next().unwrap_or_default();
            after_dev && ["-port", "-log-port", "-quota"].contains(&name)
        });
        match single {
            Some(text) => format!("-{text}").into(),
            None => argument,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dash_is_as_good_as_two_but_only_after_dev() {
        let spelled = |words: &str| {
            let words = words.split(' ').map(OsString::from);
            let words = with_two_dashes(words).map(|it| it.into_string().unwrap());
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            spelled("x dev -port 8080 -log-port=8081 -quota payg"),
            "x dev --port 8080 --log-port=8081 --quota payg"
        );
        assert_eq!(spelled("x -port 1 dev -h"), "x -port 1 dev -h");
    }
}
