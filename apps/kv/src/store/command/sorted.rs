//! Commands on sorted sets.

use super::number::integer;
use super::part::{bulk, edit, part, places};
use super::{Command, ONE_KEY, Run, command};
use crate::resp::{Args, Reply};
use crate::store::entry::Typed;
use crate::store::entry::value::{Score, Sorted};
use crate::store::fault::{Outcome, SYNTAX};
use crate::store::{Change, Fault, Look, Text};

pub(super) fn commands<E: Typed>() -> [Command<E>; 7] {
    use Run::{Change, Look};
    [
        command("zadd", -4, ONE_KEY, Change(add), "Gives members of a sorted set their scores"),
        command("zcard", 2, ONE_KEY, Look(len), "How many members a sorted set has"),
        command("zincrby", 4, ONE_KEY, Change(increase), "Adds something to a member's score"),
        command("zrange", -4, ONE_KEY, Look(range), "Members by place, by score or by name"),
        command("zrank", 3, ONE_KEY, Look(rank), "How many members come before one"),
        command("zrem", -3, ONE_KEY, Change(remove), "Takes members out of a sorted set"),
        command("zscore", 3, ONE_KEY, Look(score), "The score of a member"),
    ]
}

const NOT_A_NUMBER: &str = "ERR value is not a valid float";
const NO_SUM: &str = "ERR resulting score is not a number (NaN)";

fn number(word: &[u8]) -> Option<Score> {
    let text = std::str::from_utf8(word).ok()?;
    Score::new(text.parse().ok()?)
}

fn len<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    Ok(Reply::count(part::<Sorted, E>(look, args.at(1))?.map_or(0, Sorted::len)))
}

fn shown(score: Score) -> Reply {
    Reply::Double(score.get())
}

fn score<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let score = part::<Sorted, E>(look, args.at(1))?.and_then(|sorted| sorted.score(args.at(2)));
    Ok(score.map_or(Reply::Null, shown))
}

fn rank<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let rank = part::<Sorted, E>(look, args.at(1))?.and_then(|sorted| {
        sorted.score(args.at(2))?;
        sorted.iter().position(|(member, _)| **member == *args.at(2))
    });
    Ok(rank.map_or(Reply::Null, Reply::count))
}

/// The words between `ZADD key` and the scores.
#[derive(Clone, Copy, Debug, Default)]
struct AddOptions {
    if_new: bool,
    if_old: bool,
    if_greater: bool,
    if_less: bool,
    count_changed: bool,
    increase: bool,
}

impl AddOptions {
    /// The options, and where the scores begin.
    fn parse(args: &Args) -> Result<(Self, usize), Fault> {
        let mut options = Self::default();
        let mut at = 2;
        loop {
            let flags = [
                ("NX", &mut options.if_new),
                ("XX", &mut options.if_old),
                ("GT", &mut options.if_greater),
                ("LT", &mut options.if_less),
                ("CH", &mut options.count_changed),
                ("INCR", &mut options.increase),
            ];
            let Some((_, flag)) = flags.into_iter().find(|(name, _)| args.is(at, name)) else {
                break;
            };
            *flag = true;
            at += 1;
        }
        let left = args.len() - at.min(args.len());
        if left == 0 || !left.is_multiple_of(2) {
            return Err(SYNTAX.into());
        }
        let Self { if_new, if_old, if_greater, if_less, .. } = options;
        if if_new && if_old {
            return Err("ERR XX and NX options at the same time are not compatible".into());
        }
        if u8::from(if_greater) + u8::from(if_less) + u8::from(if_new) > 1 {
            let text = "ERR GT, LT, and/or NX options at the same time are not compatible";
            return Err(text.into());
        }
        if options.increase && left > 2 {
            return Err("ERR INCR option supports a single increment-element pair".into());
        }
        Ok((options, at))
    }

    /// Whether a member gets a score.
    fn hold(self, before: Option<Score>, new: Score) -> bool {
        before.map_or(!self.if_old, |before| {
            !(self.if_new || self.if_greater && new <= before || self.if_less && new >= before)
        })
    }
}

fn add<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let (options, at) = AddOptions::parse(args)?;
    let scores: Option<Vec<_>> = args.pairs_from(at).map(|(score, _)| number(score)).collect();
    let scores = scores.ok_or(NOT_A_NUMBER)?;
    edit(change, args.at(1), |sorted: &mut Sorted| {
        let (mut added, mut changed, mut last) = (0, 0, Reply::Null);
        for ((_, member), &given) in args.pairs_from(at).zip(&scores) {
            let before = sorted.score(member);
            let base = before.filter(|_| options.increase).map_or(0.0, Score::get);
            let score = Score::new(base + given.get()).ok_or(NO_SUM)?;
            if !options.hold(before, score) {
                continue;
            }
            last = shown(score);
            if before != Some(score) {
                sorted.insert(member.into(), score);
                added += usize::from(before.is_none());
                changed += 1;
            }
        }
        let reply = if options.increase {
            last
        } else {
            Reply::count(if options.count_changed { changed } else { added })
        };
        Ok((reply, changed > 0))
    })
}

fn increase<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let by = number(args.at(2)).ok_or(NOT_A_NUMBER)?;
    edit(change, args.at(1), |sorted: &mut Sorted| {
        let before = sorted.score(args.at(3)).map_or(0.0, Score::get);
        let score = Score::new(before + by.get()).ok_or(NO_SUM)?;
        sorted.insert(args.at(3).into(), score);
        Ok((shown(score), true))
    })
}

fn remove<E: Typed>(change: &Change<'_, '_, E>, args: &Args) -> Outcome {
    let removed = edit(change, args.at(1), |sorted: &mut Sorted| {
        let removed = args.from(2).filter(|member| sorted.remove(member).is_some()).count();
        Ok((removed, removed > 0))
    })?;
    Ok(Reply::count(removed))
}

/// One end of a range, of scores or of names.
#[derive(Clone, Copy, Debug)]
enum Bound<T> {
    /// Before everything, or behind it.
    Least,
    Most,
    At(T),
    Without(T),
}

impl<T: PartialOrd> Bound<T> {
    fn is_below(&self, item: &T) -> bool {
        match self {
            Self::Least => true,
            Self::Most => false,
            Self::At(bound) => bound <= item,
            Self::Without(bound) => bound < item,
        }
    }

    fn is_above(&self, item: &T) -> bool {
        match self {
            Self::Least => false,
            Self::Most => true,
            Self::At(bound) => bound >= item,
            Self::Without(bound) => bound > item,
        }
    }
}

fn score_bound(word: &[u8]) -> Result<Bound<Score>, Fault> {
    const REFUSAL: &str = "ERR min or max is not a float";
    // Nothing is zero here.
    let number = |word: &[u8]| number(if word.is_empty() { b"0" } else { word });
    Ok(match word.strip_prefix(b"(") {
        Some(without) => Bound::Without(number(without).ok_or(REFUSAL)?),
        None => Bound::At(number(word).ok_or(REFUSAL)?),
    })
}

fn name_bound(word: &[u8]) -> Result<Bound<&[u8]>, Fault> {
    match word {
        b"-" => Ok(Bound::Least),
        b"+" => Ok(Bound::Most),
        [b'[', name @ ..] => Ok(Bound::At(name)),
        [b'(', name @ ..] => Ok(Bound::Without(name)),
        _ => Err("ERR min or max not valid string range item".into()),
    }
}

/// By what members are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum By {
    #[default]
    Place,
    Score,
    Name,
}

/// The words behind `ZRANGE key start stop`.
#[derive(Debug, Default)]
struct RangeOptions {
    by: By,
    is_reversed: bool,
    with_scores: bool,
    limit: Option<(i64, i64)>,
}

impl RangeOptions {
    fn parse(args: &Args) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut at = 4;
        while at < args.len() {
            if args.is(at, "BYSCORE") && options.by == By::Place {
                options.by = By::Score;
            } else if args.is(at, "BYLEX") && options.by == By::Place {
                options.by = By::Name;
            } else if args.is(at, "REV") {
                options.is_reversed = true;
            } else if args.is(at, "WITHSCORES") {
                options.with_scores = true;
            } else if args.is(at, "LIMIT") && at + 2 < args.len() {
                options.limit = Some((integer(args.at(at + 1))?, integer(args.at(at + 2))?));
                at += 2;
            } else {
                return Err(SYNTAX.into());
            }
            at += 1;
        }
        // One to the end is none.
        if options.by == By::Place
            && let Some((_, take)) = options.limit.take()
            && take != -1
        {
            let text = "ERR syntax error, LIMIT is only supported in combination with either \
                        BYSCORE or BYLEX";
            return Err(text.into());
        }
        if options.with_scores && options.by == By::Name {
            let text = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";
            return Err(text.into());
        }
        Ok(options)
    }

    /// Members in the order that is asked for, with what `wants` leaves of them.
    fn choose<'s>(
        &self,
        sorted: &'s Sorted,
        wants: impl Fn(&Text, Score) -> bool,
    ) -> Vec<(&'s Text, Score)> {
        let (skip, take) = self.limit.map_or((0, usize::MAX), |(skip, take)| {
            // Before the beginning there is nothing; a negative number of members is all of them.
            let take = usize::try_from(take).unwrap_or(usize::MAX);
            usize::try_from(skip).map_or((0, 0), |skip| (skip, take))
        });
        let wants = |&(member, score): &(&Text, Score)| wants(member, score);
        if self.is_reversed {
            sorted.iter().rev().filter(wants).skip(skip).take(take).collect()
        } else {
            sorted.iter().filter(wants).skip(skip).take(take).collect()
        }
    }
}

fn range<E: Typed>(look: &Look<'_, '_, E>, args: &Args) -> Outcome {
    let options = RangeOptions::parse(args)?;
    let (mut from, mut to) = (args.at(2), args.at(3));
    if options.is_reversed && options.by != By::Place {
        (from, to) = (to, from);
    }
    let empty = Sorted::default();
    let sorted = || Ok::<_, Fault>(part::<Sorted, E>(look, args.at(1))?.unwrap_or(&empty));
    // What is wrong with the ends is told first.
    let chosen = match options.by {
        By::Place => {
            let (from, to) = (integer(from)?, integer(to)?);
            let sorted = sorted()?;
            let places = places(from, to, sorted.len());
            let mut all = options.choose(sorted, |_, _| true);
            all.truncate(places.end);
            all.drain(..places.start);
            all
        }
        By::Score => {
            let (from, to) = (score_bound(from)?, score_bound(to)?);
            options.choose(sorted()?, |_, score| from.is_below(&score) && to.is_above(&score))
        }
        By::Name => {
            let (from, to) = (name_bound(from)?, name_bound(to)?);
            options
                .choose(sorted()?, |member, _| from.is_below(&&**member) && to.is_above(&&**member))
        }
    };
    let members = chosen.into_iter();
    Ok(if options.with_scores {
        Reply::Pairs(members.map(|(member, score)| (bulk(member), shown(score))).collect())
    } else {
        Reply::Array(members.map(|(member, _)| bulk(member)).collect())
    })
}
