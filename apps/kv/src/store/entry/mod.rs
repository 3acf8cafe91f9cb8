//! What a key leads to, in all versions.

mod dump;
pub(crate) mod v1;
pub(crate) mod v2;
pub(crate) mod v3;
pub(crate) mod value;

use upgradable::Upgradable;

use self::value::Value;
use super::{Millis, Text};
use crate::resp::Reply;

/// What the commands of the first version need of an entry. All versions have it.
pub(crate) trait Entry: Upgradable {
    /// A new string.
    fn of_bytes(bytes: &[u8], expires: Option<Millis>) -> Self;

    /// A new number.
    fn of_number(number: i64, expires: Option<Millis>) -> Self;

    /// From when on it counts as gone.
    fn expires(&self) -> Option<Millis>;

    fn set_expires(&mut self, expires: Option<Millis>);

    /// The string or number that it is; `None` if it is something else.
    fn plain(&self) -> Option<Plain<'_>>;

    /// What the command TYPE calls it.
    fn type_name(&self) -> &'static str;

    /// Whether it remembers what was before it.
    const HAS_HISTORY: bool = false;

    /// Somebody has asked for it.
    fn note_read(&self) {}

    /// It has been changed.
    fn note_change(&mut self, now: Millis) {
        let _ = now;
    }

    /// It takes the place of another, or begins; asked only if it remembers.
    fn follow(&mut self, before: Option<&Self>, now: Millis) {
        let _ = (before, now);
    }

    /// Whether it is there at this time.
    fn is_live(&self, now: Millis) -> bool {
        self.expires().is_none_or(|expires| expires > now)
    }
}

/// What the commands of the second version need besides.
pub(crate) trait Typed: Entry {
    /// A new value.
    fn of_value(value: Value) -> Self;

    fn value(&self) -> &Value;

    fn set_value(&mut self, value: Value);
}

/// What the commands of the third version need besides.
pub(crate) trait Traced: Typed {
    fn created(&self) -> Option<Millis>;

    fn changed(&self) -> Option<Millis>;

    fn hits(&self) -> u64;
}

/// What was stored as a string.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Plain<'e> {
    Text(&'e Text),
    Number(i64),
}

impl Plain<'_> {
    pub(crate) fn reply(self) -> Reply {
        match self {
            Self::Text(text) => Reply::Bulk(Text::clone(text)),
            Self::Number(number) => Reply::Digits(number),
        }
    }

    pub(crate) fn number(self) -> Option<i64> {
        match self {
            Self::Text(text) => super::number::parse(text),
            Self::Number(number) => Some(number),
        }
    }

    /// Does something with the bytes.
    pub(crate) fn with<R>(self, work: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Self::Text(text) => work(text),
            Self::Number(number) => work(itoa::Buffer::new().format(number).as_bytes()),
        }
    }
}
