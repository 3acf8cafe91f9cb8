//! Commands on strings.

use super::{ALL_KEYS, Command, ONE_KEY, PAIRS, Run, command, expiry};
use crate::resp::{Args, Reply};
use crate::store::entry::{Entry, Plain};
use crate::store::fault::{Outcome, SYNTAX, WRONG_TYPE, wrong_arity};
use crate::store::{Change, Fault, Look, Millis};

/// The longest string there may be.
const LONGEST: usize = 512 << 20;

pub(super) fn commands<E: Entry>() -> [Command<E>; 12] {
    use Run::{Change, Look};
    [
        command("append", 3, ONE_KEY, Change(append), "Adds to the end of a string"),
        command("get", 2, ONE_KEY, Look(get), "The string of a key"),
        command("getdel", 2, ONE_KEY, Change(get_del), "Takes a key away and gives its string"),
        command("getset", 3, ONE_KEY, Change(get_set), "Sets a string and gives the one before"),
        command("mget", -2, ALL_KEYS, Look(mget), "The strings of keys"),
        command("mset", -3, PAIRS, Change(mset), "Sets strings"),
        command("msetnx", -3, PAIRS, Change(msetnx), "Sets strings if none of the keys is there"),
        command("psetex", 4, ONE_KEY, Change(psetex), "Sets a string for so many milliseconds"),
        command("set", -3, ONE_KEY, Change(set), "Sets a string"),
        command("setex", 4, ONE_KEY, Change(setex), "Sets a string for so many seconds"),
        command("setnx", 3, ONE_KEY, Change(setnx), "Sets a string if the key is not there"),
        command("strlen", 2, ONE_KEY, Look(strlen), "How long a string is"),
    ]
}

/// The string or number of a key; `None` if there is no such key.
pub(super) fn plain<'l, E: Entry>(
    look: &'l Look<'_, '_, E>,
    key: &[u8],
) -> Result<Option<Plain<'l>>, Fault> {
    look.get(key)?.map(|entry| entry.plain().ok_or_else(|| WRONG_TYPE.into())).transpose()
}

fn get<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(plain(look, args.at(1))?.map_or(Reply::Null, Plain::reply))
}

fn strlen<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let len = |plain: Plain<'_>| plain.with(<[u8]>::len);
    Ok(Reply::count(plain(look, args.at(1))?.map_or(0, len)))
}

fn mget<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let string = |key| {
        let plain = look.get(key)?.and_then(E::plain);
        Ok(plain.map_or(Reply::Null, Plain::reply))
    };
    args.from(1).map(string).collect::<Result<_, _>>().map(Reply::Array)
}

/// When a key may be set.
#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    Always,
    IfAbsent,
    IfPresent,
}

/// The words behind `SET key value`.
#[derive(Debug)]
struct SetOptions {
    when: When,
    expires: Option<Millis>,
    keep: bool,
    get: bool,
}

impl SetOptions {
    fn parse(args: &Args, now: Millis) -> Result<Self, Fault> {
        let mut options = Self { when: When::Always, expires: None, keep: false, get: false };
        let mut at = 3;
        let mut end = None;
        while at < args.len() {
            let is_free = end.is_none() && !options.keep;
            if args.is(at, "NX") && options.when != When::IfPresent {
                options.when = When::IfAbsent;
            } else if args.is(at, "XX") && options.when != When::IfAbsent {
                options.when = When::IfPresent;
            } else if args.is(at, "GET") {
                options.get = true;
            } else if args.is(at, "KEEPTTL") && end.is_none() {
                options.keep = true;
            } else if let Some(unit) = expiry::unit(args, at)
                && is_free
                && at + 1 < args.len()
            {
                at += 1;
                end = Some((unit, args.at(at)));
            } else {
                return Err(SYNTAX.into());
            }
            at += 1;
        }
        if let Some((unit, word)) = end {
            options.expires = Some(unit.instant(word, now, "set")?);
        }
        Ok(options)
    }
}

fn set<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let (key, value) = (args.at(1), args.at(2));
    if args.len() == 3 {
        change.put(key, E::of_bytes(value, None))?;
        return Ok(Reply::OK);
    }
    let options = SetOptions::parse(args, change.now)?;
    let before = change.find(key)?.map(|(_, entry)| entry);
    let shown = match before {
        Some(entry) if options.get => entry.plain().ok_or(WRONG_TYPE)?.reply(),
        _ => Reply::Null,
    };
    let goes = match options.when {
        When::Always => true,
        When::IfAbsent => before.is_none(),
        When::IfPresent => before.is_some(),
    };
    if goes {
        let kept = before.filter(|_| options.keep).and_then(E::expires);
        change.put(key, E::of_bytes(value, options.expires.or(kept)))?;
    }
    Ok(if options.get {
        shown
    } else if goes {
        Reply::OK
    } else {
        Reply::Null
    })
}

fn setnx<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let is_absent = change.find(args.at(1))?.is_none();
    if is_absent {
        change.put(args.at(1), E::of_bytes(args.at(2), None))?;
    }
    Ok(Reply::yes(is_absent))
}

fn setex<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_for(change, args, expiry::Unit::SECONDS, "setex")
}

fn psetex<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_for(change, args, expiry::Unit::MILLIS, "psetex")
}

fn set_for<E: Entry>(
    change: &Change<'_, '_, E>,
    args: &Args,
    unit: expiry::Unit,
    command: &str,
) -> Outcome {
    let expires = unit.instant(args.at(2), change.now, command)?;
    change.put(args.at(1), E::of_bytes(args.at(3), Some(expires)))?;
    Ok(Reply::OK)
}

fn get_set<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let look = change.look();
    let before = plain(&look, args.at(1))?.map_or(Reply::Null, Plain::reply);
    change.put(args.at(1), E::of_bytes(args.at(2), None))?;
    Ok(before)
}

fn get_del<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let look = change.look();
    let Some(plain) = plain(&look, args.at(1))? else { return Ok(Reply::Null) };
    let before = plain.reply();
    change.remove(args.at(1))?;
    Ok(before)
}

fn mset<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(wrong_arity("mset").into());
    }
    for (key, value) in args.pairs_from(1) {
        change.put(key, E::of_bytes(value, None))?;
    }
    Ok(Reply::OK)
}

fn msetnx<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(wrong_arity("msetnx").into());
    }
    for (key, _) in args.pairs_from(1) {
        if change.find(key)?.is_some() {
            return Ok(Reply::yes(false));
        }
    }
    mset(change, args)?;
    Ok(Reply::yes(true))
}

fn append<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let (key, tail) = (args.at(1), args.at(2));
    let Some((_, entry)) = change.find(key)? else {
        change.put(key, E::of_bytes(tail, None))?;
        return Ok(Reply::count(tail.len()));
    };
    let plain = entry.plain().ok_or(WRONG_TYPE)?;
    let whole = plain.with(|bytes| {
        let fits = bytes.len() + tail.len() <= LONGEST;
        fits.then(|| [bytes, tail].concat())
    });
    let whole = whole.ok_or("ERR string exceeds maximum allowed size (proto-max-bulk-len)")?;
    change.put(key, E::of_bytes(&whole, entry.expires()))?;
    Ok(Reply::count(whole.len()))
}
