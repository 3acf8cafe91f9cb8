//! Commands on sets.

use super::part::{bulk, edit, part};
use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Typed;
use crate::store::entry::value::Set;
use crate::store::fault::Outcome;
use crate::store::{Change, Look};

pub(super) fn commands<E: Typed>() -> [Command<E>; 6] {
    use Run::{Change, Look};
    [
        command("sadd", -3, ONE_KEY, Change(add), "Adds members to a set"),
        command("scard", 2, ONE_KEY, Look(len), "How many members a set has"),
        command("sismember", 3, ONE_KEY, Look(contains), "Whether a set has a member"),
        command("smembers", 2, ONE_KEY, Look(members), "All members of a set"),
        command("smismember", -3, ONE_KEY, Look(contains_many), "Which of the members a set has"),
        command("srem", -3, ONE_KEY, Change(remove), "Takes members out of a set"),
    ]
}

fn len<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::count(part::<Set, E>(look, args.at(1))?.map_or(0, Set::len)))
}

fn contains<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let set: Option<&Set> = part(look, args.at(1))?;
    Ok(Reply::yes(set.is_some_and(|set| set.contains(args.at(2)))))
}

fn contains_many<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let set: Option<&Set> = part(look, args.at(1))?;
    let contains = |member| Reply::yes(set.is_some_and(|set| set.contains(member)));
    Ok(Reply::Array(args.from(2).map(contains).collect()))
}

fn members<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let set: Option<&Set> = part(look, args.at(1))?;
    Ok(Reply::Set(set.into_iter().flatten().map(bulk).collect()))
}

fn add<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let added = edit(change, args.at(1), |set: &mut Set| {
        let added = args.from(2).filter(|member| set.insert((*member).into()).is_none()).count();
        Ok((added, added > 0))
    })?;
    Ok(Reply::count(added))
}

fn remove<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let removed = edit(change, args.at(1), |set: &mut Set| {
        let removed = args.from(2).filter(|member| set.remove(*member).is_some()).count();
        Ok((removed, removed > 0))
    })?;
    Ok(Reply::count(removed))
}
