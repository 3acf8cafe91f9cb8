//! Version 1: an entry is a string.

use upgradable::Upgradable;

use super::{Millis, Plain, Text};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "kv.Entry", version = 1)]
pub(crate) struct Entry {
    pub(crate) value: Text,
    pub(crate) expires: Option<Millis>,
}

impl super::Entry for Entry {
    fn of_bytes(bytes: &[u8], expires: Option<Millis>) -> Self {
        Self { value: bytes.into(), expires }
    }

    fn of_number(number: i64, expires: Option<Millis>) -> Self {
        Self::of_bytes(itoa::Buffer::new().format(number).as_bytes(), expires)
    }

    fn expires(&self) -> Option<Millis> {
        self.expires
    }

    fn set_expires(&mut self, expires: Option<Millis>) {
        self.expires = expires;
    }

    fn plain(&self) -> Option<Plain<'_>> {
        Some(Plain::Text(&self.value))
    }

    fn type_name(&self) -> &'static str {
        "string"
    }
}
