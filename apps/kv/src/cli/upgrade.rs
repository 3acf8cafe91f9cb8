//! `kv upgrade`.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Address;
use super::client::{Client, Value};

#[derive(Debug, Args)]
pub(super) struct Command {
    #[command(flatten)]
    address: Address,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What the upgrade to a version would do: to the next one, if none is given.
    Plan { version: Option<u32> },
    /// Upgrade to the next version.
    Start {
        version: u32,
        /// Transform everything at once, while everybody waits.
        #[arg(long)]
        eager: bool,
        /// The share of the time that the background works, from 0 to 1; 1 is as fast as it can.
        #[arg(long, conflicts_with = "eager")]
        pace: Option<f64>,
        /// Do not wait until everything is transformed.
        #[arg(long)]
        no_wait: bool,
    },
    /// Where things stand.
    Status {
        /// Wait until the upgrade, or the way back, is complete.
        #[arg(long)]
        wait: bool,
    },
    /// Stop the background.
    Pause,
    /// Let the background go on.
    Resume,
    /// Keep the upgrade for good.
    Promote,
    /// Go back to the version before.
    Rollback {
        /// Do not wait until everything is back.
        #[arg(long)]
        no_wait: bool,
    },
}

impl Command {
    pub(super) fn run(self) -> Result<(), Box<dyn Error>> {
        let mut client = Client::connect(SocketAddr::new(self.address.host, self.address.port))?;
        let mut ask = |words: &[&str]| client.ask(&[&["UPGRADE"], words].concat());
        let wait = match self.what {
            What::Plan { version: None } => {
                println!("{}", ask(&["PLAN"])?);
                false
            }
            What::Plan { version: Some(version) } => {
                println!("{}", ask(&["PLAN", &version.to_string()])?);
                false
            }
            What::Start { version, eager, pace, no_wait } => {
                let (version, pace) = (version.to_string(), pace.map(pace_word));
                let mut words = vec!["START", &version];
                if eager {
                    words.push("EAGER");
                }
                words.extend(pace.iter().flat_map(|pace| ["PACE", pace]));
                ask(&words)?;
                !no_wait
            }
            What::Status { wait } => wait,
            What::Pause => ask(&["PAUSE"]).map(|_| false)?,
            What::Resume => ask(&["RESUME"]).map(|_| false)?,
            What::Promote => ask(&["PROMOTE"]).map(|_| false)?,
            What::Rollback { no_wait } => {
                ask(&["ROLLBACK"])?;
                !no_wait
            }
        };
        if wait {
            watch(&mut client, &bar()?)?;
        }
        println!("{}", client.ask(&["UPGRADE", "STATUS"])?);
        Ok(())
    }
}

fn pace_word(share: f64) -> String {
    if share >= 1.0 { "FULL".to_owned() } else { share.to_string() }
}

fn bar() -> Result<ProgressBar, Box<dyn Error>> {
    let style = ProgressStyle::with_template("{msg:14} {bar:40} {percent}%  {prefix} objects")?;
    Ok(ProgressBar::new(100).with_style(style))
}

/// Shows how far it has come, until it has come to its end.
fn watch(client: &mut Client, bar: &ProgressBar) -> io::Result<()> {
    while !show(&client.ask(&["UPGRADE", "STATUS"])?, bar) {
        thread::sleep(Duration::from_millis(100));
    }
    bar.finish();
    Ok(())
}

/// Shows how far it has come. Says whether it has come to its end.
fn show(status: &Value, bar: &ProgressBar) -> bool {
    if let Some(Value::Number(percent)) = status.get("percent") {
        bar.set_position(percent.unsigned_abs());
    }
    if let Some(objects) = status.get("transformed") {
        bar.set_prefix(objects.to_string());
    }
    let state = status.get("state").map(Value::to_string).unwrap_or_default();
    let is_over = !["migrating", "rolling back"].contains(&&*state);
    bar.set_message(state);
    is_over
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressDrawTarget};

    use super::{Client, Value, bar, show, watch};
    use crate::server::{Config, Server};

    fn status(state: &str, percent: i64) -> Value {
        let entry = |key: &str, value| (Value::Text(key.to_owned()), value);
        Value::Map(vec![
            entry("state", Value::Text(state.to_owned())),
            entry("percent", Value::Number(percent)),
            entry("transformed", Value::Number(percent * 1000)),
        ])
    }

    #[test]
    fn a_bar_grows_until_the_end() {
        let screen = InMemoryTerm::new(4, 100);
        let bar = bar().expect("the template is sound");
        bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        let mut full = 0;
        for (state, percent, is_over) in
            [("migrating", 0, false), ("rolling back", 40, false), ("complete", 100, true)]
        {
            assert_eq!(show(&status(state, percent), &bar), is_over);
            bar.force_draw();
            let line = screen.contents();
            let blocks = line.matches('\u{2588}').count();
            assert_eq!(blocks as i64, percent * 40 / 100, "{line}");
            assert!(line.starts_with(state), "{line}");
            assert!(line.ends_with(&format!("{percent}%  {} objects", percent * 1000)), "{line}");
            assert!(blocks >= full);
            full = blocks;
        }
    }

    #[test]
    fn who_waits_sees_the_end() {
        let server = Server::start(Config { port: 0, threads: 1, ..Config::default() });
        let server = server.expect("there is a port");
        let mut client = Client::connect(server.address()).expect("it listens");
        let screen = InMemoryTerm::new(4, 100);
        let bar = bar().expect("the template is sound");
        bar.set_draw_target(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        for words in [&["SET", "a", "1"][..], &["SET", "b", "x"], &["UPGRADE", "START", "2"]] {
            client.ask(words).expect("nothing fails here");
        }
        watch(&mut client, &bar).expect("nothing fails here");
        let line = screen.contents();
        assert!(line.starts_with("complete ") && line.ends_with(" 100%  2 objects"), "{line}");
        drop(client);
        server.state().stop();
        server.wait();
    }
}
