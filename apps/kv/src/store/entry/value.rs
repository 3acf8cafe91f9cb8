//! Values with types, of the versions that have them.
//!
//! What has parts is made of persistent trees: a transaction that changes one field of a hash
//! copies the way to the field, and shares the rest with those who still look at the old value.
//! Everything about a key is in one object, so that its transformer needs to look at nothing else,
//! in either direction.

use imbl::{OrdMap, OrdSet, Vector};

use super::{Plain, Text};
use crate::store::number;

pub(crate) type Hash = OrdMap<Text, Text>;
pub(crate) type List = Vector<Text>;
pub(crate) type Set = OrdSet<Text>;

/// What an entry holds. Nothing that has parts is empty: its key is gone then.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A string that is not a number.
    Text(Text),
    /// A string that is exactly how a number is written.
    Number(i64),
    Hash(Box<Hash>),
    List(Box<List>),
    Set(Box<Set>),
    Sorted(Box<Sorted>),
}

/// A number that is one, in the order of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score(f64);

impl Score {
    /// `None` for what is not a number. There is one zero.
    pub(crate) fn new(number: f64) -> Option<Self> {
        (!number.is_nan()).then_some(Self(number + 0.0))
    }

    pub(crate) fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Members, and their order by score.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sorted {
    scores: OrdMap<Text, Score>,
    order: OrdSet<(Score, Text)>,
}

impl Sorted {
    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<Score> {
        self.scores.get(member).copied()
    }

    /// Gives a member a score. Returns the one before.
    pub(crate) fn insert(&mut self, member: Text, score: Score) -> Option<Score> {
        let before = self.scores.insert(member.clone(), score);
        if let Some(before) = before {
            self.order.remove(&(before, member.clone()));
        }
        self.order.insert((score, member));
        before
    }

    pub(crate) fn remove(&mut self, member: &[u8]) -> Option<Score> {
        let (member, score) = self.scores.remove_with_key(member)?;
        self.order.remove(&(score, member));
        Some(score)
    }

    /// Members by score, and those of one score by their bytes.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Text, Score)> {
        self.order.iter().map(|(score, member)| (member, *score))
    }

    /// Members by their bytes.
    pub(crate) fn by_member(&self) -> impl Iterator<Item = (&Text, Score)> {
        self.scores.iter().map(|(member, score)| (member, *score))
    }
}

impl Value {
    /// What SET makes of bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        number::parse(bytes).map_or_else(|| Self::Text(bytes.into()), Self::Number)
    }

    pub(crate) fn plain(&self) -> Option<Plain<'_>> {
        match self {
            Self::Text(text) => Some(Plain::Text(text)),
            Self::Number(number) => Some(Plain::Number(*number)),
            _ => None,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Number(_) => "string",
            Self::Hash(_) => "hash",
            Self::List(_) => "list",
            Self::Set(_) => "set",
            Self::Sorted(_) => "zset",
        }
    }
}

/// A value of one type that has parts.
pub(crate) trait Part: Clone + Default {
    fn of(value: &Value) -> Option<&Self>;
    fn into_value(self) -> Value;
    fn is_empty(&self) -> bool;
}

macro_rules! part {
    ($($type:ident)*) => {$(
        impl Part for $type {
            fn of(value: &Value) -> Option<&Self> {
                if let Value::$type(part) = value { Some(part) } else { None }
            }

            fn into_value(self) -> Value {
                Value::$type(Box::new(self))
            }

            fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }
    )*};
}

part!(Hash List Set Sorted);
