//! Commands on hashes.

use super::number::integer;
use super::part::{bulk, edit, part};
use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Typed;
use crate::store::entry::value::Hash;
use crate::store::fault::{Outcome, wrong_arity};
use crate::store::{Change, Look, Text, number};

pub(super) fn commands<E: Typed>() -> [Command<E>; 13] {
    use Run::{Change, Look};
    [
        command("hdel", -3, ONE_KEY, Change(remove), "Takes fields out of a hash"),
        command("hexists", 3, ONE_KEY, Look(exists), "Whether a field is in a hash"),
        command("hget", 3, ONE_KEY, Look(get), "The value of a field"),
        command("hgetall", 2, ONE_KEY, Look(all), "All fields of a hash and their values"),
        command("hincrby", 4, ONE_KEY, Change(add), "Adds something to a number in a hash"),
        command("hkeys", 2, ONE_KEY, Look(fields), "All fields of a hash"),
        command("hlen", 2, ONE_KEY, Look(len), "How many fields a hash has"),
        command("hmget", -3, ONE_KEY, Look(get_many), "The values of fields"),
        command("hmset", -4, ONE_KEY, Change(set_many), "Sets fields of a hash"),
        command("hset", -4, ONE_KEY, Change(set), "Sets fields of a hash"),
        command("hsetnx", 4, ONE_KEY, Change(set_new), "Sets a field that is not there"),
        command("hstrlen", 3, ONE_KEY, Look(strlen), "How long the value of a field is"),
        command("hvals", 2, ONE_KEY, Look(values), "All values of a hash"),
    ]
}

fn field<'l, E: Typed>(
    look: &'l Look<'_, '_, E>,
    args: &Args,
) -> Result<Option<&'l Text>, crate::store::Fault> {
    Ok(part::<Hash, E>(look, args.at(1))?.and_then(|hash| hash.get(args.at(2))))
}

fn get<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(field(look, args)?.map_or(Reply::Null, bulk))
}

fn exists<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::yes(field(look, args)?.is_some()))
}

fn strlen<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::count(field(look, args)?.map_or(0, |value| value.len())))
}

fn get_many<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let hash: Option<&Hash> = part(look, args.at(1))?;
    let value = |field| hash.and_then(|hash| hash.get(field)).map_or(Reply::Null, bulk);
    Ok(Reply::Array(args.from(2).map(value).collect()))
}

fn all<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let hash: Option<&Hash> = part(look, args.at(1))?;
    let entries = hash.into_iter().flatten();
    Ok(Reply::Map(entries.map(|(field, value)| (bulk(field), bulk(value))).collect()))
}

fn fields<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let hash: Option<&Hash> = part(look, args.at(1))?;
    Ok(Reply::Array(hash.into_iter().flatten().map(|(field, _)| bulk(field)).collect()))
}

fn values<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let hash: Option<&Hash> = part(look, args.at(1))?;
    Ok(Reply::Array(hash.into_iter().flatten().map(|(_, value)| bulk(value)).collect()))
}

fn len<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::count(part::<Hash, E>(look, args.at(1))?.map_or(0, Hash::len)))
}

fn set<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Err(wrong_arity("hset").into());
    }
    let new = edit(change, args.at(1), |hash: &mut Hash| {
        let is_new = |(field, value): (&[u8], &[u8])| {
            usize::from(hash.insert(field.into(), value.into()).is_none())
        };
        Ok((args.pairs_from(2).map(is_new).sum(), true))
    })?;
    Ok(Reply::count(new))
}

fn set_many<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    if !args.len().is_multiple_of(2) {
        return Err(wrong_arity("hmset").into());
    }
    set(change, args)?;
    Ok(Reply::OK)
}

fn set_new<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let is_new = edit(change, args.at(1), |hash: &mut Hash| {
        let is_new = !hash.contains_key(args.at(2));
        if is_new {
            hash.insert(args.at(2).into(), args.at(3).into());
        }
        Ok((is_new, is_new))
    })?;
    Ok(Reply::yes(is_new))
}

fn remove<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let removed = edit(change, args.at(1), |hash: &mut Hash| {
        let removed = args.from(2).filter(|field| hash.remove(*field).is_some()).count();
        Ok((removed, removed > 0))
    })?;
    Ok(Reply::count(removed))
}

fn add<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let by = integer(args.at(3))?;
    let sum = edit(change, args.at(1), |hash: &mut Hash| {
        let before = hash.get(args.at(2)).map_or(Some(0), |value| number::parse(value));
        let before = before.ok_or("ERR hash value is not an integer")?;
        let sum = before.checked_add(by).ok_or(crate::store::OVERFLOW)?;
        hash.insert(args.at(2).into(), itoa::Buffer::new().format(sum).as_bytes().into());
        Ok((sum, true))
    })?;
    Ok(Reply::Integer(sum))
}
