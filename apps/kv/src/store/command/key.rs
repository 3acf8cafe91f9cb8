//! Commands on keys, whatever they lead to.

use super::{ALL_KEYS, Command, NO_KEYS, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Entry;
use crate::store::fault::{Outcome, SYNTAX};
use crate::store::{Change, Look};

pub(super) fn commands<E: Entry>() -> [Command<E>; 8] {
    use Run::{Change, Look};
    [
        command("dbsize", 1, NO_KEYS, Look(size), "How many keys there are"),
        command("del", -2, ALL_KEYS, Change(remove), "Takes keys away"),
        command("exists", -2, ALL_KEYS, Look(exists), "How many of the keys are there"),
        command("flushall", -1, NO_KEYS, Change(clear), "Takes all keys away"),
        command("flushdb", -1, NO_KEYS, Change(clear), "Takes all keys away"),
        command("touch", -2, ALL_KEYS, Look(exists), "How many of the keys are there"),
        command("type", 2, ONE_KEY, Look(type_name), "What a key leads to"),
        command("unlink", -2, ALL_KEYS, Change(remove), "Takes keys away"),
    ]
}

fn remove<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let mut removed = 0;
    for key in args.from(1) {
        removed += usize::from(change.remove(key)?);
    }
    Ok(Reply::count(removed))
}

fn exists<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let mut there = 0;
    for key in args.from(1) {
        there += usize::from(look.get(key)?.is_some());
    }
    Ok(Reply::count(there))
}

fn type_name<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::Status(look.get(args.at(1))?.map_or("none", E::type_name)))
}

fn size<E: Entry>(look: &Look<'_, '_, E>, _: &Args) -> Outcome {
    Ok(Reply::count(look.keys.len(&look.reader)?))
}

fn clear<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    // Either way the keys are gone at once, and the memory is given back later.
    let goes = args.len() == 1 || args.len() == 2 && (args.is(1, "SYNC") || args.is(1, "ASYNC"));
    if !goes {
        return Err(SYNTAX.into());
    }
    change.clear()?;
    Ok(Reply::OK)
}
