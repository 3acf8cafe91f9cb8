//! `kv upgrade`.

use std::error::Error;
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
            watch(&mut client)?;
        }
        println!("{}", client.ask(&["UPGRADE", "STATUS"])?);
        Ok(())
    }
}

fn pace_word(share: f64) -> String {
    if share >= 1.0 { "FULL".to_owned() } else { share.to_string() }
}

/// Shows how far it has come, until it has come to its end.
fn watch(client: &mut Client) -> Result<(), Box<dyn Error>> {
    let style = ProgressStyle::with_template("{msg:14} {bar:40} {percent}%  {prefix} objects")?;
    let bar = ProgressBar::new(100).with_style(style);
    loop {
        let status = client.ask(&["UPGRADE", "STATUS"])?;
        let state = status.get("state").map(Value::to_string).unwrap_or_default();
        if let Some(Value::Number(percent)) = status.get("percent") {
            bar.set_position(percent.unsigned_abs());
        }
        if let Some(objects) = status.get("transformed") {
            bar.set_prefix(objects.to_string());
        }
        bar.set_message(state.clone());
        if !["migrating", "rolling back"].contains(&&*state) {
            bar.finish();
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
}
