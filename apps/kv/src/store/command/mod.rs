//! Commands: what they are called, what words they take, and what they do.

mod expiry;
mod hash;
mod key;
mod list;
mod number;
mod part;
mod plain;
mod refusal;
mod scan;
mod set;
mod sorted;
mod string;
mod trace;

pub(crate) use self::refusal::check_part;

use rustc_hash::FxHashMap;

use self::refusal::unknown;
use super::entry::{Entry, Traced, Typed};
use super::fault::{Outcome, wrong_arity};
use super::{Change, Look};
use crate::resp::{Args, Reply};

/// A command on entries that the code knows as `E`.
#[derive(Debug)]
pub(crate) struct Command<E: 'static> {
    /// In small letters.
    name: &'static str,
    /// How many words there are with the name; if negative, at least so many.
    arity: i64,
    keys: Keys,
    pub(super) run: Run<E>,
    summary: &'static str,
}

/// Which words are keys: the first, the last (counted from the end, if negative), every how many.
#[derive(Clone, Copy, Debug)]
struct Keys(i64, i64, i64);

const NO_KEYS: Keys = Keys(0, 0, 0);
const ONE_KEY: Keys = Keys(1, 1, 1);
const ALL_KEYS: Keys = Keys(1, -1, 1);
const PAIRS: Keys = Keys(1, -1, 2);

/// What a command does.
#[derive(Debug)]
pub(super) enum Run<E: 'static> {
    /// It does not look at the keyspace.
    Plain(fn(&Args) -> Outcome),
    /// It tells of the commands.
    List(fn(&Commands<E>, &Args) -> Outcome),
    /// It changes nothing.
    Look(fn(&Look<'_, '_, E>, &Args) -> Outcome),
    Change(fn(&Change<'_, '_, E>, &Args) -> Outcome),
}

impl<E> Clone for Run<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Run<E> {}

const fn command<E>(
    name: &'static str,
    arity: i64,
    keys: Keys,
    run: Run<E>,
    summary: &'static str,
) -> Command<E> {
    Command { name, arity, keys, run, summary }
}

/// The commands of one version of the program.
#[derive(Debug)]
pub(crate) struct Commands<E: 'static> {
    /// By name.
    all: Vec<Command<E>>,
    /// Where the command of a name stands. Clients choose what is looked for, not what is there.
    places: FxHashMap<&'static [u8], usize>,
}

impl<E: Entry> Commands<E> {
    /// Those of the first version.
    pub(crate) fn of_strings() -> Self {
        Self { all: Vec::new(), places: FxHashMap::default() }
            .with(plain::commands())
            .with(string::commands())
            .with(number::commands())
            .with(key::commands())
            .with(expiry::commands())
            .with(scan::commands())
    }
}

impl<E: Typed> Commands<E> {
    /// Those of the second version.
    pub(crate) fn of_values() -> Self {
        Self::of_strings()
            .with(hash::commands())
            .with(list::commands())
            .with(set::commands())
            .with(sorted::commands())
    }
}

impl<E: Traced> Commands<E> {
    /// Those of the third version.
    pub(crate) fn of_traced() -> Self {
        Self::of_values().with(trace::commands())
    }
}

/// The longest name of a command.
const LONGEST: usize = 24;

impl<E> Commands<E> {
    fn with(mut self, commands: impl IntoIterator<Item = Command<E>>) -> Self {
        self.all.extend(commands);
        self.all.sort_unstable_by_key(|command| command.name);
        let names = self.all.iter().map(|command| command.name.as_bytes());
        self.places = names.enumerate().map(|(place, name)| (name, place)).collect();
        self
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.all.iter().map(|command| command.name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.named(name.as_bytes()).is_some()
    }

    /// The command with this name, in whatever case.
    fn named(&self, name: &[u8]) -> Option<&Command<E>> {
        let mut small = [0; LONGEST];
        let small = small.get_mut(..name.len())?;
        small.copy_from_slice(name);
        small.make_ascii_lowercase();
        self.places.get(&*small).and_then(|&place| self.all.get(place))
    }

    /// The command that is asked for, if the number of words goes with it; else what to answer.
    pub(super) fn find(&self, args: &Args) -> Result<&Command<E>, Vec<u8>> {
        let command = self.named(args.at(0)).ok_or_else(|| unknown(args))?;
        let len = args.len() as i64;
        let goes = if command.arity < 0 { len >= -command.arity } else { len == command.arity };
        if goes { Ok(command) } else { Err(wrong_arity(command.name).into_bytes()) }
    }
}

impl<E> Command<E> {
    /// As COMMAND tells it: name, arity, flags, where the keys are, and what we have nothing of.
    fn info(&self) -> Reply {
        let Keys(first, last, step) = self.keys;
        let flags: &[&str] = match self.run {
            Run::Plain(_) => &["fast"],
            Run::List(_) => &["loading", "stale"],
            Run::Look(_) => &["readonly"],
            Run::Change(_) => &["write", "denyoom"],
        };
        let flags = flags.iter().map(|flag| Reply::Status(flag));
        let none = || Reply::Array(Vec::new());
        Reply::Array(vec![
            Reply::text(self.name),
            Reply::Integer(self.arity),
            Reply::Set(flags.collect()),
            Reply::Integer(first),
            Reply::Integer(last),
            Reply::Integer(step),
            none(),
            none(),
            none(),
            none(),
        ])
    }

    fn doc(&self) -> Reply {
        let entry = |key: &'static str, value: &'static str| (Reply::text(key), Reply::text(value));
        Reply::Map(vec![entry("summary", self.summary), entry("group", "generic")])
    }
}

/// The parts of COMMAND, and how many words they take.
const PARTS: [(&str, i64); 5] =
    [("count", 2), ("list", 2), ("info", -2), ("docs", -2), ("getkeys", -4)];

/// COMMAND and what belongs to it.
fn list<E>(commands: &Commands<E>, args: &Args) -> Outcome {
    let asked = || -> Vec<_> { args.from(2).map(|name| commands.named(name)).collect() };
    if args.len() == 1 {
        return Ok(Reply::Array(commands.all.iter().map(Command::info).collect()));
    }
    check_part(args, "command", &PARTS)?;
    if args.is(1, "COUNT") {
        Ok(Reply::count(commands.all.len()))
    } else if args.is(1, "LIST") {
        Ok(Reply::Array(commands.all.iter().map(|command| Reply::text(command.name)).collect()))
    } else if args.is(1, "INFO") {
        let asked = if args.len() == 2 { commands.all.iter().map(Some).collect() } else { asked() };
        let info = |command: Option<&Command<E>>| command.map_or(Reply::NullArray, Command::info);
        Ok(Reply::Array(asked.into_iter().map(info).collect()))
    } else if args.is(1, "DOCS") {
        let asked = if args.len() == 2 { commands.all.iter().map(Some).collect() } else { asked() };
        let doc = |command: &Command<E>| (Reply::text(command.name), command.doc());
        Ok(Reply::Map(asked.into_iter().flatten().map(doc).collect()))
    } else {
        let asked: Args = args.from(2).collect();
        commands.named(asked.at(0)).ok_or("ERR Invalid command specified")?;
        let refusal = "ERR Invalid number of arguments specified for command";
        let command = commands.find(&asked).map_err(|_| refusal)?;
        let Keys(first, last, step) = command.keys;
        if first == 0 {
            return Err("ERR The command has no key arguments".into());
        }
        let last = if last < 0 { asked.len() as i64 + last } else { last };
        let places = (first..=last).step_by(step.unsigned_abs() as usize);
        Ok(Reply::Array(places.map(|at| Reply::bulk(asked.at(at as usize))).collect()))
    }
}

#[cfg(test)]
pub(crate) mod tests;
