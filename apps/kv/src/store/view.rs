//! What a command sees, and what it may change: the keyspace in one transaction, at one time.

use upgradable::{AccessError, CommitTs, Read, Ref, Snapshot, Tx, Upgradable};

use super::entry::Entry;
use super::watch::{Watch, Watched};
use super::{Keyspace, Millis, Text};

/// Either kind of transaction, to read in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reader<'a, 't> {
    Snapshot(&'a Snapshot<'t>),
    Update(&'a Tx<'t>),
}

impl Read for Reader<'_, '_> {
    #[inline]
    fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&T, AccessError> {
        match self {
            Self::Snapshot(snapshot) => snapshot.read(object),
            Self::Update(tx) => tx.read(object),
        }
    }

    fn root<T: Upgradable>(&self, name: &str) -> Result<Option<Ref<T>>, AccessError> {
        match self {
            Self::Snapshot(snapshot) => snapshot.root(name),
            Self::Update(tx) => tx.root(name),
        }
    }

    fn at(&self) -> CommitTs {
        match self {
            Self::Snapshot(snapshot) => snapshot.at(),
            Self::Update(tx) => tx.at(),
        }
    }
}

/// The keyspace, to look at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a, 't, E> {
    pub(crate) keys: Keyspace<E>,
    pub(crate) reader: Reader<'a, 't>,
    pub(crate) now: Millis,
}

impl<E: Entry> Look<'_, '_, E> {
    /// The entry of a key, for somebody who asks for it.
    #[inline]
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<&E>, AccessError> {
        Ok(self.peek(key)?.inspect(|entry| entry.note_read()))
    }

    /// The entry of a key.
    #[inline]
    pub(crate) fn peek(&self, key: &[u8]) -> Result<Option<&E>, AccessError> {
        let entry = self.keys.entries.get(&self.reader, key)?;
        Ok(entry.filter(|entry| entry.is_live(self.now)))
    }
}

/// The keyspace, to change.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change<'a, 't, E> {
    pub(crate) keys: Keyspace<E>,
    pub(crate) tx: &'a Tx<'t>,
    pub(crate) now: Millis,
}

impl<'a, 't, E: Entry> Change<'a, 't, E> {
    pub(crate) fn look(&self) -> Look<'a, 't, E> {
        Look { keys: self.keys, reader: Reader::Update(self.tx), now: self.now }
    }

    /// The entry of a key, and where it is.
    pub(crate) fn find(&self, key: &[u8]) -> Result<Option<(Ref<E>, &'t E)>, AccessError> {
        let Some(object) = self.keys.entries.get_ref(self.tx, key)? else { return Ok(None) };
        let entry = self.tx.read(object)?;
        Ok(entry.is_live(self.now).then_some((object, entry)))
    }

    /// Gives a key an entry, whether or not it has one.
    pub(crate) fn put(&self, key: &[u8], mut entry: E) -> Result<(), AccessError> {
        let object = self.keys.entries.get_ref(self.tx, key)?;
        if E::HAS_HISTORY {
            let before = object.map(|object| self.tx.read(object)).transpose()?;
            entry.follow(before.filter(|before| before.is_live(self.now)), self.now);
        }
        match object {
            Some(object) => self.tx.write(object, entry)?,
            None => {
                let object = self.tx.create(entry)?;
                self.keys.enter(self.tx, key, object)?;
            }
        }
        self.note_change(key)
    }

    /// Changes an entry that [`find`](Self::find) has found.
    pub(crate) fn modify<R>(
        &self,
        key: &[u8],
        object: Ref<E>,
        change: impl FnOnce(&mut E) -> R,
    ) -> Result<R, AccessError> {
        let result = self.tx.modify(object, |entry| {
            entry.note_change(self.now);
            change(entry)
        })?;
        self.note_change(key)?;
        Ok(result)
    }

    /// Takes a key away. Says whether it was there.
    pub(crate) fn remove(&self, key: &[u8]) -> Result<bool, AccessError> {
        let was_live = match self.find(key) {
            Ok(found) => found.is_some(),
            // What can't be read can still be removed.
            Err(AccessError::Untransformed(_)) => true,
            Err(error) => return Err(error),
        };
        self.keys.remove(self.tx, key)?;
        if was_live {
            self.note_change(key)?;
        }
        Ok(was_live)
    }

    /// Takes all keys away.
    pub(crate) fn clear(&self) -> Result<(), AccessError> {
        if self.is_watched()? {
            for entry in self.keys.watches.iter_refs(self.tx) {
                let (key, watch) = entry?;
                if self.look().peek(key)?.is_some() {
                    self.tx.modify(watch, |watch| watch.changes += 1)?;
                }
            }
        }
        self.keys.clear(self.tx)
    }

    fn is_watched(&self) -> Result<bool, AccessError> {
        Ok(self.tx.read(self.keys.ever_watched)?.watchers > 0)
    }

    /// Tells those who watch the key.
    fn note_change(&self, key: &[u8]) -> Result<(), AccessError> {
        if self.is_watched()? {
            self.keys.watches.modify(self.tx, key, |watch| watch.changes += 1)?;
        }
        Ok(())
    }

    /// Watches a key.
    pub(crate) fn watch(&self, key: &Text) -> Result<Watched, AccessError> {
        if !self.is_watched()? {
            self.tx.modify(self.keys.ever_watched, |watch| watch.watchers = 1)?;
        }
        let create = Watch::default;
        let watch = self.keys.watches.get_or_insert_with(self.tx, Text::clone(key), create)?;
        let changes = self.tx.modify(watch, |watch| {
            watch.watchers += 1;
            watch.changes
        })?;
        let was_live = self.look().peek(key)?.is_some();
        Ok(Watched { key: Text::clone(key), changes, was_live })
    }

    /// Whether nothing has happened to a key since it was watched.
    pub(crate) fn is_unchanged(&self, watched: &Watched) -> Result<bool, AccessError> {
        let changes = self.keys.watches.get(self.tx, &*watched.key)?.map(|watch| watch.changes);
        let is_gone = || Ok(watched.was_live && self.look().peek(&watched.key)?.is_none());
        Ok(changes == Some(watched.changes) && !is_gone()?)
    }

    /// Stops watching a key.
    pub(crate) fn unwatch(&self, watched: &Watched) -> Result<(), AccessError> {
        let key = &*watched.key;
        let left = self.keys.watches.modify(self.tx, key, |watch| {
            watch.watchers = watch.watchers.saturating_sub(1);
            watch.watchers
        })?;
        if left == Some(0) {
            self.keys.watches.remove(self.tx, key)?;
        }
        Ok(())
    }
}
