//! Version 3: an entry knows when it came to be, when it last changed, and how often it was asked
//! for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use upgradable::Upgradable;

use super::value::Value;
use super::{Millis, Plain, Traced, Typed, v2};

/// What is only known since this version is forgotten on the way back.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(version = 3, from = v2::Entry)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    pub(crate) expires: Option<Millis>,
    /// Unknown of what is older than this version.
    #[upgrade(default)]
    pub(crate) created: Option<Millis>,
    #[upgrade(default)]
    pub(crate) changed: Option<Millis>,
    #[upgrade(default)]
    pub(crate) hits: Hits,
}

/// How often a key was asked for: for people, and no part of what transactions agree on. A read
/// that counted in a transaction would be a write.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hits(Arc<AtomicU64>);

impl Hits {
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl super::Entry for Entry {
    const HAS_HISTORY: bool = true;

    fn of_bytes(bytes: &[u8], expires: Option<Millis>) -> Self {
        Self { expires, ..Self::of_value(Value::of_bytes(bytes)) }
    }

    fn of_number(number: i64, expires: Option<Millis>) -> Self {
        Self { expires, ..Self::of_value(Value::Number(number)) }
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

    fn note_read(&self) {
        self.hits.add();
    }

    fn note_change(&mut self, now: Millis) {
        self.changed = Some(now);
    }

    fn follow(&mut self, before: Option<&Self>, now: Millis) {
        self.changed = Some(now);
        match before {
            Some(before) => (self.created, self.hits) = (before.created, before.hits.clone()),
            None => self.created = Some(now),
        }
    }
}

impl Typed for Entry {
    fn of_value(value: Value) -> Self {
        let (created, changed) = (None, None);
        Self { value, expires: None, created, changed, hits: Hits::default() }
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn set_value(&mut self, value: Value) {
        self.value = value;
    }
}

impl Traced for Entry {
    fn created(&self) -> Option<Millis> {
        self.created
    }

    fn changed(&self) -> Option<Millis> {
        self.changed
    }

    fn hits(&self) -> u64 {
        self.hits.get()
    }
}
