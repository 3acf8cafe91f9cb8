//! Commands that have nothing to do with keys.

use super::{Command, NO_KEYS, Run, command, list};
use crate::resp::{Args, Reply};
use crate::store::fault::{Outcome, wrong_arity};

pub(super) fn commands<E>() -> [Command<E>; 3] {
    [
        command("command", -1, NO_KEYS, Run::List(list), "Tells of the commands"),
        command("echo", 2, NO_KEYS, Run::Plain(echo), "Gives a word back"),
        command("ping", -1, NO_KEYS, Run::Plain(ping), "Tells that the server is there"),
    ]
}

fn echo(args: &Args) -> Outcome {
    Ok(Reply::bulk(args.at(1)))
}

fn ping(args: &Args) -> Outcome {
    match args.len() {
        1 => Ok(Reply::Status("PONG")),
        2 => Ok(Reply::bulk(args.at(1))),
        _ => Err(wrong_arity("ping").into()),
    }
}
