//! Iterators over queues.

use std::fmt;
use std::iter::FusedIterator;
use std::marker::PhantomData;

use upgradable_stm::Handle;

use super::list::List;
use super::node::Chunk;
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Read;

/// Values of any kind, front to back.
pub(super) struct Values<'r, R> {
    list: List,
    reader: &'r R,
    place: Place<'r>,
}

enum Place<'r> {
    Begin,
    In(&'r Chunk, usize),
    End,
}

impl<'r, R: Read> Values<'r, R> {
    pub(super) fn new(list: List, reader: &'r R) -> Self {
        Self { list, reader, place: Place::Begin }
    }

    /// The chunk behind one that has been shown.
    fn after(&self, chunk: &Chunk) -> Result<Option<(&'r Chunk, usize)>, AccessError> {
        let Some(next) = chunk.next else { return Ok(None) };
        match self.reader.read(Ref::<Chunk>::new(next)) {
            Ok(next) if next.before > chunk.before => Ok(Some((next, 0))),
            // Only a forged handle leads back.
            Ok(_) => Err(AccessError::Foreign),
            // The transaction itself has popped all of it: what is left begins further behind.
            Err(AccessError::Deleted) => {
                let (first, gone, _) = self.list.first(self.reader)?;
                if first.before > chunk.before {
                    Ok(Some((first, gone)))
                } else {
                    Err(AccessError::Deleted)
                }
            }
            Err(error) => Err(error),
        }
    }

    fn step(&mut self) -> Result<Option<Handle>, AccessError> {
        loop {
            let (chunk, at) = match self.place {
                Place::Begin => {
                    let (chunk, gone, _) = self.list.first(self.reader)?;
                    (chunk, gone)
                }
                Place::In(chunk, at) => (chunk, at),
                Place::End => return Ok(None),
            };
            if let Some(&value) = chunk.values.get(at) {
                self.place = Place::In(chunk, at + 1);
                return Ok(Some(value));
            }
            self.place = match self.after(chunk)? {
                Some((chunk, at)) => Place::In(chunk, at),
                None => Place::End,
            };
        }
    }
}

impl<R: Read> Iterator for Values<'_, R> {
    type Item = Result<Handle, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            self.place = Place::End;
        }
        step.transpose()
    }
}

/// References to the values of a [`Queue`](super::Queue), front to back.
///
/// From [`iter_refs`](super::Queue::iter_refs). After an error it is at its end.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::Queue};
/// # #[derive(Upgradable, Clone)] struct Job(u8);
/// Heap::new().atomically(|tx| {
///     let jobs = Queue::create(tx)?;
///     let job = jobs.push(tx, Job(1))?;
///     assert_eq!(jobs.iter_refs(tx).collect::<Vec<_>>(), [Ok(job)]);
///     Ok(())
/// }).unwrap();
/// ```
pub struct IterRefs<'r, R, V> {
    inner: Values<'r, R>,
    values: PhantomData<fn() -> V>,
}

/// The values of a [`Queue`](super::Queue), front to back.
///
/// From [`iter`](super::Queue::iter). After an error from the queue it is at its end; after one
/// from a value it goes on.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::Queue};
/// # #[derive(Upgradable, Clone)] struct Job(u8);
/// Heap::new().atomically(|tx| {
///     let jobs = Queue::create(tx)?;
///     jobs.extend(tx, (0..5).map(Job))?;
///     let numbers: Result<Vec<u8>, _> = jobs.iter(tx).map(|job| job.map(|job| job.0)).collect();
///     assert_eq!(numbers?, [0, 1, 2, 3, 4]);
///     Ok(())
/// }).unwrap();
/// ```
pub struct Iter<'r, R, V> {
    inner: Values<'r, R>,
    values: PhantomData<fn() -> V>,
}

impl<'r, R, V> IterRefs<'r, R, V> {
    pub(super) fn new(inner: Values<'r, R>) -> Self {
        Self { inner, values: PhantomData }
    }
}

impl<'r, R, V> Iter<'r, R, V> {
    pub(super) fn new(inner: Values<'r, R>) -> Self {
        Self { inner, values: PhantomData }
    }
}

impl<R: Read, V: Upgradable> Iterator for IterRefs<'_, R, V> {
    type Item = Result<Ref<V>, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.inner.next()?.map(Ref::new))
    }
}

impl<'r, R: Read, V: Upgradable> Iterator for Iter<'r, R, V> {
    type Item = Result<&'r V, AccessError>;

    fn next(&mut self) -> Option<Self::Item> {
        let value = self.inner.next()?;
        let reader = self.inner.reader;
        Some(value.and_then(|value| reader.read(Ref::new(value))))
    }
}

impl<R: Read, V: Upgradable> FusedIterator for IterRefs<'_, R, V> {}
impl<R: Read, V: Upgradable> FusedIterator for Iter<'_, R, V> {}

impl<R, V> fmt::Debug for IterRefs<'_, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IterRefs").finish_non_exhaustive()
    }
}

impl<R, V> fmt::Debug for Iter<'_, R, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
