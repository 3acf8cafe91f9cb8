//! Version 2: an entry is a value with a type.

use upgradable::Upgradable;

use super::value::Value;
use super::{Millis, Plain, Typed, v1};

/// Numbers are recognised in strings; what has parts goes back as a [dump](super::dump).
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(version = 2, from = v1::Entry)]
pub(crate) struct Entry {
    #[upgrade(with = Value::of_text, back = Value::to_text)]
    pub(crate) value: Value,
    pub(crate) expires: Option<Millis>,
}

impl super::Entry for Entry {
    fn of_bytes(bytes: &[u8], expires: Option<Millis>) -> Self {
        Self { value: Value::of_bytes(bytes), expires }
    }

    fn of_number(number: i64, expires: Option<Millis>) -> Self {
        Self { value: Value::Number(number), expires }
    }

    fn expires(&self) -> Option<Millis> {
        self.expires
    }

    fn set_expires(&mut self, expires: Option<Millis>) {
        self.expires = expires;
    }

    fn plain(&self) -> Option<Plain<'_>> {
        self.value.plain()
    }

    fn type_name(&self) -> &'static str {
        self.value.type_name()
    }
}

impl Typed for Entry {
    fn of_value(value: Value) -> Self {
        Self { value, expires: None }
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn set_value(&mut self, value: Value) {
        self.value = value;
    }
}
