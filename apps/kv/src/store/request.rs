//! What a program is asked, and what it answers.

use super::{Millis, Text, Watched};
use crate::resp::{Args, Reply};

/// A job, and the time at which it is done: the same however often the transaction is executed.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) now: Millis,
    pub(crate) job: Job,
}

/// One transaction's work.
#[derive(Debug)]
pub(crate) enum Job {
    /// One command.
    Command(Args),
    /// Commands that happen together, unless something watched has changed.
    Block { commands: Vec<Args>, watched: Vec<Watched> },
    /// Whether a command may be a part of a block; nothing is done.
    Check(Args),
    /// Watch these keys.
    Watch(Vec<Text>),
    /// Stop watching these.
    Unwatch(Vec<Watched>),
    /// Remove what has expired among the keys that are next from a position on.
    Expire { from: u64, most: usize },
    /// Counts the keys.
    Count,
}

/// The answer to a [`Job`].
#[derive(Debug)]
pub(crate) enum Answer {
    Reply(Reply),
    /// To a block; `None` if something watched has changed.
    Block(Option<Vec<Reply>>),
    Watching(Vec<Watched>),
    /// Where to go on, and how many keys were removed.
    Expired {
        next: u64,
        removed: usize,
    },
    Count {
        keys: usize,
    },
    Done,
}
