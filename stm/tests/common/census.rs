//! Values that are counted from birth to drop, each by its own number.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Who is alive. Clones count the same values.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    born: u64,
    alive: HashSet<u64>,
    /// Values that were dropped although they were not alive.
    undead: Vec<u64>,
}

/// A counted value. A clone is a value of its own.
pub(crate) struct Counted<T> {
    pub(crate) value: T,
    id: u64,
    census: Census,
}

impl Census {
    fn book<R>(&self, f: impl FnOnce(&mut Book) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A new value.
    pub(crate) fn count<T>(&self, value: T) -> Counted<T> {
        let id = self.book(|book| {
            book.born += 1;
            book.alive.insert(book.born);
            book.born
        });
        Counted { value, id, census: self.clone() }
    }

    /// How many values are alive now.
    #[track_caller]
    pub(crate) fn alive(&self) -> usize {
        self.book(|book| {
            assert_eq!(book.undead, [], "values were dropped twice, or never made");
            book.alive.len()
        })
    }
}

impl<T> Counted<T> {
    /// Whether this very value has not been dropped, as far as the census knows.
    pub(crate) fn is_alive(&self) -> bool {
        self.census.book(|book| book.alive.contains(&self.id))
    }
}

impl<T: Clone> Clone for Counted<T> {
    fn clone(&self) -> Self {
        assert!(self.is_alive(), "a value is cloned after its drop");
        self.census.count(self.value.clone())
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        let id = self.id;
        self.census.book(|book| {
            if !book.alive.remove(&id) {
                book.undead.push(id);
            }
        });
    }
}
