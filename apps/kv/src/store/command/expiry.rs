//! Commands on the time of keys.

use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Entry;
use crate::store::fault::{Outcome, bad_expire};
use crate::store::{Change, Fault, Look, Millis};

pub(super) fn commands<E: Entry>() -> [Command<E>; 9] {
    use Run::{Change, Look};
    [
        command("expire", -3, ONE_KEY, Change(expire), "Ends a key after so many seconds"),
        command("expireat", -3, ONE_KEY, Change(expire_at), "Ends a key at a time in seconds"),
        command("expiretime", 2, ONE_KEY, Look(expire_time), "When a key ends, in seconds"),
        command("persist", 2, ONE_KEY, Change(persist), "Takes the end off a key"),
        command("pexpire", -3, ONE_KEY, Change(pexpire), "Ends a key after milliseconds"),
        command("pexpireat", -3, ONE_KEY, Change(pexpire_at), "Ends a key at a time"),
        command("pexpiretime", 2, ONE_KEY, Look(pexpire_time), "When a key ends"),
        command("pttl", 2, ONE_KEY, Look(pttl), "How many milliseconds a key has left"),
        command("ttl", 2, ONE_KEY, Look(ttl), "How many seconds a key has left"),
    ]
}

/// How a time is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    millis: i64,
    /// From now on, or since 1970.
    is_relative: bool,
}

impl Unit {
    pub(super) const SECONDS: Self = Self { millis: 1000, is_relative: true };
    pub(super) const MILLIS: Self = Self { millis: 1, is_relative: true };
    const SECONDS_AT: Self = Self { is_relative: false, ..Self::SECONDS };
    const MILLIS_AT: Self = Self { is_relative: false, ..Self::MILLIS };

    /// The instant, also one that is past.
    fn any_instant(self, word: &[u8], now: Millis, command: &str) -> Result<i64, Fault> {
        let refuse = || Fault::from(bad_expire(command));
        let millis = super::number::integer(word)?.checked_mul(self.millis).ok_or_else(refuse)?;
        let start = if self.is_relative { i64::try_from(now).unwrap_or(i64::MAX) } else { 0 };
        millis.checked_add(start).ok_or_else(refuse)
    }

    /// The instant, for commands that do not take one before the beginning.
    pub(super) fn instant(self, word: &[u8], now: Millis, command: &str) -> Result<Millis, Fault> {
        let is_positive = super::number::integer(word)? > 0;
        let instant = self.any_instant(word, now, command)?;
        let instant = Millis::try_from(instant).ok().filter(|_| is_positive);
        instant.ok_or_else(|| bad_expire(command).into())
    }
}

/// The unit that a word of SET names.
pub(super) fn unit(args: &Args, at: usize) -> Option<Unit> {
    let units = [
        ("EX", Unit::SECONDS),
        ("PX", Unit::MILLIS),
        ("EXAT", Unit::SECONDS_AT),
        ("PXAT", Unit::MILLIS_AT),
    ];
    units.iter().find(|(name, _)| args.is(at, name)).map(|&(_, unit)| unit)
}

/// When a new end is taken.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    if_none: bool,
    if_some: bool,
    if_later: bool,
    if_earlier: bool,
}

impl Condition {
    fn parse(args: &Args) -> Result<Self, Fault> {
        let mut condition = Self::default();
        for (place, word) in args.from(3).enumerate() {
            let flag = [
                ("NX", &mut condition.if_none),
                ("XX", &mut condition.if_some),
                ("GT", &mut condition.if_later),
                ("LT", &mut condition.if_earlier),
            ];
            match flag.into_iter().find(|(name, _)| args.is(place + 3, name)) {
                Some((_, flag)) => *flag = true,
                None => {
                    let word = String::from_utf8_lossy(word);
                    return Err(format!("ERR Unsupported option {word}").into());
                }
            }
        }
        let Self { if_none, if_some, if_later, if_earlier } = condition;
        if if_none && (if_some || if_later || if_earlier) {
            return Err(
                "ERR NX and XX, GT or LT options at the same time are not compatible".into()
            );
        }
        if if_later && if_earlier {
            return Err("ERR GT and LT options at the same time are not compatible".into());
        }
        Ok(condition)
    }

    /// Whether a new end takes the place of the present one. Without end is later than any.
    fn holds(self, present: Option<Millis>, new: i64) -> bool {
        let present = present.map(|present| i64::try_from(present).unwrap_or(i64::MAX));
        !(self.if_none && present.is_some()
            || self.if_some && present.is_none()
            || self.if_later && present.is_none_or(|present| new <= present)
            || self.if_earlier && present.is_some_and(|present| new >= present))
    }
}

fn set_end<E: Entry>(
    change: &Change<'_, '_, E>,
    args: &Args,
    unit: Unit,
    command: &str,
) -> Outcome {
    let condition = Condition::parse(args)?;
    let instant = unit.any_instant(args.at(2), change.now, command)?;
    let key = args.at(1);
    let Some((object, entry)) = change.find(key)? else { return Ok(Reply::yes(false)) };
    if !condition.holds(entry.expires(), instant) {
        return Ok(Reply::yes(false));
    }
    match Millis::try_from(instant) {
        Ok(instant) if instant > change.now => {
            change.modify(key, object, |entry| entry.set_expires(Some(instant)))?;
        }
        // It is over already.
        _ => {
            change.remove(key)?;
        }
    }
    Ok(Reply::yes(true))
}

fn expire<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_end(change, args, Unit::SECONDS, "expire")
}

fn pexpire<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_end(change, args, Unit::MILLIS, "pexpire")
}

fn expire_at<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_end(change, args, Unit::SECONDS_AT, "expireat")
}

fn pexpire_at<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    set_end(change, args, Unit::MILLIS_AT, "pexpireat")
}

fn persist<E: Entry>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let key = args.at(1);
    let Some((object, entry)) = change.find(key)? else { return Ok(Reply::yes(false)) };
    if entry.expires().is_none() {
        return Ok(Reply::yes(false));
    }
    change.modify(key, object, |entry| entry.set_expires(None))?;
    Ok(Reply::yes(true))
}

/// A time of a key: -2 if there is no key, -1 if it has no end.
fn end<E: Entry>(
    look: &Look<'_, '_, E>,
    args: &Args,
    show: impl FnOnce(Millis) -> Millis,
) -> Outcome {
    let Some(entry) = look.get(args.at(1))? else { return Ok(Reply::Integer(-2)) };
    let Some(expires) = entry.expires() else { return Ok(Reply::Integer(-1)) };
    Ok(Reply::Integer(i64::try_from(show(expires)).unwrap_or(i64::MAX)))
}

fn ttl<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    end(look, args, |expires| expires.saturating_sub(look.now).saturating_add(500) / 1000)
}

fn pttl<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    end(look, args, |expires| expires.saturating_sub(look.now))
}

fn expire_time<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    end(look, args, |expires| expires.saturating_add(500) / 1000)
}

fn pexpire_time<E: Entry>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    end(look, args, |expires| expires)
}
