//! Commands that count.

use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Entry;
use crate::store::fault::{NOT_AN_INTEGER, OVERFLOW, Outcome, WRONG_TYPE};
use crate::store::{Change, Fault, number};

pub(super) fn commands<E: Entry>() -> [Command<E>; 4] {
    use Run::Change;
    [
        command("decr", 2, ONE_KEY, Change(decr), "Takes one off a number"),
        command("decrby", 3, ONE_KEY, Change(decr_by), "Takes something off a number"),
        command("incr", 2, ONE_KEY, Change(incr), "Adds one to a number"),
        command("incrby", 3, ONE_KEY, Change(incr_by), "Adds something to a number"),
    ]
}

/// A word that must be a number.
pub(super) fn integer(word: &[u8]) -> Result<i64, Fault> {
    number::parse(word).ok_or_else(|| NOT_AN_INTEGER.into())
}

fn add<E: Entry>(change: &Change<'_, '_, E>, key: &[u8], by: i64) -> Outcome {
    let Some((_, entry)) = change.find(key)? else {
        change.put(key, E::of_number(by, None))?;
        return Ok(Reply::Integer(by));
    };
    let before = entry.plain().ok_or(WRONG_TYPE)?.number().ok_or(NOT_AN_INTEGER)?;
    let sum = before.checked_add(by).ok_or(OVERFLOW)?;
    change.put(key, E::of_number(sum, entry.expires()))?;
    Ok(Reply::Integer(sum))
}

fn incr<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    add(change, args.at(1), 1)
}

fn decr<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    add(change, args.at(1), -1)
}

fn incr_by<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    add(change, args.at(1), integer(args.at(2))?)
}

fn decr_by<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let by = integer(args.at(2))?.checked_neg().ok_or("ERR decrement would overflow")?;
    add(change, args.at(1), by)
}
