//! Commands on what is known of a key besides its value.

use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Traced;
use crate::store::fault::Outcome;
use crate::store::{Look, Millis};

pub(super) fn commands<E: Traced>() -> [Command<E>; 1] {
    [command("trace", 2, ONE_KEY, Run::Look(trace), "When a key came, changed, and its hits")]
}

/// A map of three; null if there is no such key. It does not count as a hit.
fn trace<E: Traced>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let Some(entry) = look.peek(args.at(1))? else { return Ok(Reply::Null) };
    let number = |number: u64| Reply::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let time = |time: Option<Millis>| time.map_or(Reply::Null, number);
    Ok(Reply::Map(vec![
        (Reply::text("created"), time(entry.created())),
        (Reply::text("changed"), time(entry.changed())),
        (Reply::text("hits"), number(entry.hits())),
    ]))
}
