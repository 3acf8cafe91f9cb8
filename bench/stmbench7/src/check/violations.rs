//! What was found to be wrong.

use std::fmt;

/// As many as anybody reads.
const KEPT: usize = 20;

/// Invariants that do not hold, and how many more there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Violations {
    first: Vec<String>,
    more: usize,
}

impl Violations {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub(crate) fn add(&mut self, message: impl fmt::Display) {
        if self.first.len() < KEPT {
            self.first.push(message.to_string());
        } else {
            self.more += 1;
        }
    }

    /// Adds a message unless something holds.
    pub(crate) fn unless<M: fmt::Display>(&mut self, holds: bool, message: impl FnOnce() -> M) {
        if !holds {
            self.add(message());
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.iter().try_for_each(|message| writeln!(f, "  {message}"))?;
        if self.more > 0 { writeln!(f, "  and {} more", self.more) } else { Ok(()) }
    }
}
