//! Commands on lists.

use super::number::integer;
use super::part::{bulk, edit, part, places};
use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Typed;
use crate::store::entry::value::List;
use crate::store::fault::{Outcome, wrong_arity};
use crate::store::{Change, Look};

pub(super) fn commands<E: Typed>() -> [Command<E>; 9] {
    use Run::{Change, Look};
    [
        command("lindex", 3, ONE_KEY, Look(index), "The item at a place of a list"),
        command("llen", 2, ONE_KEY, Look(len), "How many items a list has"),
        command("lpop", -2, ONE_KEY, Change(pop_left), "Takes items off the front of a list"),
        command("lpush", -3, ONE_KEY, Change(push_left), "Adds items to the front of a list"),
        command("lpushx", -3, ONE_KEY, Change(push_left_old), "Adds to the front, if there is one"),
        command("lrange", 4, ONE_KEY, Look(range), "The items between two places of a list"),
        command("rpop", -2, ONE_KEY, Change(pop_right), "Takes items off the end of a list"),
        command("rpush", -3, ONE_KEY, Change(push_right), "Adds items to the end of a list"),
        command("rpushx", -3, ONE_KEY, Change(push_right_old), "Adds to the end, if there is one"),
    ]
}

fn len<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::count(part::<List, E>(look, args.at(1))?.map_or(0, List::len)))
}

fn index<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    // Where there is no list, any word is a place.
    let Some(list) = part::<List, E>(look, args.at(1))? else { return Ok(Reply::Null) };
    let at = integer(args.at(2))?;
    let item = places(at, at, list.len()).next().and_then(|place| list.get(place));
    Ok(item.map_or(Reply::Null, bulk))
}

fn range<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let (start, stop) = (integer(args.at(2))?, integer(args.at(3))?);
    let Some(list) = part::<List, E>(look, args.at(1))? else {
        return Ok(Reply::Array(Vec::new()));
    };
    let places = places(start, stop, list.len());
    let items = list.focus().narrow(places).into_iter().map(bulk).collect();
    Ok(Reply::Array(items))
}

/// An end of a list.
#[derive(Clone, Copy, Debug)]
enum End {
    Left,
    Right,
}

fn push<E: Typed>(change: &Change<'_, '_, E>, args: &Args, end: End, only_old: bool) -> Outcome {
    let len = edit(change, args.at(1), |list: &mut List| {
        if only_old && list.is_empty() {
            return Ok((0, false));
        }
        for item in args.from(2) {
            match end {
                End::Left => list.push_front(item.into()),
                End::Right => list.push_back(item.into()),
            }
        }
        Ok((list.len(), true))
    })?;
    Ok(Reply::count(len))
}

fn push_left<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    push(change, args, End::Left, false)
}

fn push_right<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    push(change, args, End::Right, false)
}

fn push_left_old<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    push(change, args, End::Left, true)
}

fn push_right_old<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    push(change, args, End::Right, true)
}

fn pop<E: Typed>(change: &Change<'_, '_, E>, args: &Args, end: End, name: &str) -> Outcome {
    let count = match args.len() {
        2 => None,
        3 => {
            let count = integer(args.at(2)).ok().and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or("ERR value is out of range, must be positive")?)
        }
        _ => return Err(wrong_arity(name).into()),
    };
    let popped = edit(change, args.at(1), |list: &mut List| {
        if list.is_empty() {
            return Ok((None, false));
        }
        let most = count.unwrap_or(1).min(list.len());
        let mut popped = Vec::with_capacity(most);
        while popped.len() < most
            && let Some(item) = match end {
                End::Left => list.pop_front(),
                End::Right => list.pop_back(),
            }
        {
            popped.push(Reply::Bulk(item));
        }
        Ok((Some(popped), most > 0))
    })?;
    Ok(match (popped, count) {
        (None, None) => Reply::Null,
        (None, Some(_)) => Reply::NullArray,
        (Some(mut popped), None) => popped.pop().unwrap_or(Reply::Null),
        (Some(popped), Some(_)) => Reply::Array(popped),
    })
}

fn pop_left<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    pop(change, args, End::Left, "lpop")
}

fn pop_right<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    pop(change, args, End::Right, "rpop")
}
