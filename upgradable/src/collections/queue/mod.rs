//! A queue: first in, first out.

mod iter;
mod list;
mod node;
#[cfg(all(test, not(loom)))]
mod tests;

use std::marker::PhantomData;

pub use self::iter::{Iter, IterRefs};

use self::iter::Values;
use self::list::List;
use self::node::{CHUNK, Chunk, Head, Root, Tail};
use super::handle::handle;
use super::{CheckError, delete_value, whole};
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::{Read, Stm, Tx};

/// A queue, first in, first out, made of objects of a heap.
///
/// This is a handle, as small as a [`Ref`] and as easily copied; it may be a field of an object.
/// Values lie in chunks of up to 32. Pushes conflict with pushes, and pops with pops, since their
/// order is what a queue is about; but pushes don't conflict with pops as long as at least one
/// whole chunk lies between them.
///
/// Methods come in pairs: `push` creates the value's object, `pop` deletes it; `push_ref` and
/// `pop_ref` leave the objects to the caller.
///
/// # Errors
///
/// Every method fails with an [`AccessError`] if the queue has been deleted or is of another heap.
/// After an error from a method that writes, the transaction should end with it.
///
/// ```
/// use upgradable::{Heap, Upgradable, collections::Queue};
///
/// #[derive(Upgradable, Clone)]
/// struct Job(u32);
///
/// let heap = Heap::new();
/// let jobs = heap.atomically(|tx| Ok(Queue::<Job>::create(tx)?))?;
/// std::thread::scope(|scope| {
///     let worker = scope.spawn(|| heap.atomically(|tx| Ok(jobs.pop_or_wait(tx)?.0)));
///     heap.atomically(|tx| Ok(jobs.push(tx, Job(7)).map(drop)?)).unwrap();
///     assert_eq!(worker.join().unwrap(), Ok(7));
/// });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Queue<V> {
    root: Ref<Root>,
    values: PhantomData<fn() -> V>,
}

handle!(Queue, "Queue", [], Root, "Queue<");

impl<V: Upgradable> Queue<V> {
    fn list(self) -> List {
        List(self.root)
    }

    /// A new, empty queue.
    ///
    /// # Errors
    ///
    /// None but those of [`Tx::create`].
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// let heap = Heap::new();
    /// let jobs = heap.atomically(|tx| Ok(Queue::<Job>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| jobs.is_empty(s)), Ok(true));
    /// ```
    pub fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        Ok(Self::of_root(List::create(tx)?.0))
    }

    /// Creates an object and puts it at the end.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had, or `V` is not the current version of its lineage.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     let job = jobs.push(tx, Job(1))?;
    ///     tx.modify(job, |job| job.0 = 2)?;
    ///     assert_eq!(jobs.pop(tx)?.map(|job| job.0), Some(2));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push(self, tx: &Tx<'_>, value: V) -> Result<Ref<V>, AccessError> {
        let value = tx.create(value)?;
        self.push_ref(tx, value)?;
        Ok(value)
    }

    /// Puts an object at the end.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had. The object is not looked at.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (jobs, job) = (Queue::create(tx)?, tx.create(Job(1))?);
    ///     jobs.push_ref(tx, job)?;
    ///     assert_eq!(jobs.pop_ref(tx)?, Some(job));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push_ref(self, tx: &Tx<'_>, value: Ref<V>) -> Result<(), AccessError> {
        self.list().push(tx, value.handle())
    }

    /// Takes the first value out and deletes its object.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue or the value can't be had. A value that has been deleted
    /// already can be taken out by [`pop_ref`](Self::pop_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, [Job(1), Job(2)])?;
    ///     assert_eq!(jobs.pop(tx)?.map(|job| job.0), Some(1));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop<'t>(self, tx: &Tx<'t>) -> Result<Option<&'t V>, AccessError> {
        let Some(object) = self.peek_ref(tx)? else { return Ok(None) };
        let value = tx.read(object)?;
        self.list().pop(tx)?;
        tx.delete(object)?;
        Ok(Some(value))
    }

    /// Takes the first object out, which stays.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(Queue::<Job>::create(tx)?.pop_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_ref(self, tx: &Tx<'_>) -> Result<Option<Ref<V>>, AccessError> {
        Ok(self.list().pop(tx)?.map(Ref::new))
    }

    /// Takes the first value out and deletes its object. If there is none, the transaction waits
    /// until there is, as by [`Tx::retry`], and [`Tx::or_else`] goes on with something else.
    ///
    /// # Errors
    ///
    /// As [`pop`](Self::pop); and [`Interrupt::Retry`](crate::Interrupt::Retry), to be passed on.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// let heap = Heap::new();
    /// let job = heap.atomically(|tx| {
    ///     let (urgent, other) = (Queue::create(tx)?, Queue::create(tx)?);
    ///     other.push(tx, Job(2))?;
    ///     let job = tx.or_else(|tx| urgent.pop_or_wait(tx), |tx| other.pop_or_wait(tx))?;
    ///     Ok(job.0)
    /// });
    /// assert_eq!(job, Ok(2));
    /// ```
    pub fn pop_or_wait<'t>(self, tx: &Tx<'t>) -> Stm<&'t V> {
        self.pop(tx)?.ok_or_else(|| tx.retry().into())
    }

    /// Takes the first object out, which stays. If there is none, the transaction waits.
    ///
    /// # Errors
    ///
    /// As [`pop_ref`](Self::pop_ref); and [`Interrupt::Retry`](crate::Interrupt::Retry), to be
    /// passed on.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     let job = jobs.push(tx, Job(1))?;
    ///     assert_eq!(jobs.pop_ref_or_wait(tx)?, job);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_ref_or_wait(self, tx: &Tx<'_>) -> Stm<Ref<V>> {
        self.pop_ref(tx)?.ok_or_else(|| tx.retry().into())
    }

    /// The first value.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, [Job(1), Job(2)])?;
    ///     assert_eq!(jobs.peek(tx)?.map(|job| job.0), Some(1));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn peek(self, reader: &impl Read) -> Result<Option<&V>, AccessError> {
        self.peek_ref(reader)?.map(|value| reader.read(value)).transpose()
    }

    /// The first object.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(Queue::<Job>::create(tx)?.peek_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn peek_ref(self, reader: &impl Read) -> Result<Option<Ref<V>>, AccessError> {
        Ok(self.list().front(reader)?.map(Ref::new))
    }

    /// All values, front to back.
    ///
    /// They are those of the reader's snapshot; in a [`Tx`], with what it has written before. What
    /// the transaction pushes or pops while the iterator lives may show or not.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, (0..99).map(Job))?;
    ///     assert_eq!(jobs.iter(tx).count(), 99);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter<R: Read>(self, reader: &R) -> Iter<'_, R, V> {
        Iter::new(Values::new(self.list(), reader))
    }

    /// All objects, front to back. See [`iter`](Self::iter).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert!(Queue::<Job>::create(tx)?.iter_refs(tx).next().is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter_refs<R: Read>(self, reader: &R) -> IterRefs<'_, R, V> {
        IterRefs::new(Values::new(self.list(), reader))
    }

    /// The number of values: looks at both ends, and counts nothing.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, (0..99).map(Job))?;
    ///     jobs.pop(tx)?;
    ///     assert_eq!(jobs.len(tx)?, 98);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn len(self, reader: &impl Read) -> Result<usize, AccessError> {
        // On a machine with smaller words there is no room for so many objects.
        Ok(usize::try_from(self.list().len(reader)?).unwrap_or(usize::MAX))
    }

    /// Whether there is no value: looks at one end only.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert!(Queue::<Job>::create(tx)?.is_empty(tx)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn is_empty(self, reader: &impl Read) -> Result<bool, AccessError> {
        Ok(self.list().front(reader)?.is_none())
    }

    /// Pushes all these values.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, [Job(1), Job(2)])?;
    ///     assert_eq!(jobs.len(tx)?, 2);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn extend(
        self,
        tx: &Tx<'_>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), AccessError> {
        values.into_iter().try_for_each(|value| self.push(tx, value).map(drop))
    }

    /// Takes all values out and deletes their objects. Those that have been deleted already are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue or a value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.extend(tx, (0..99).map(Job))?;
    ///     Ok(jobs.clear(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Job>().count()), 0);
    /// ```
    pub fn clear(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.list().clear(tx, &mut |value| delete_value::<V>(tx, value)))
    }

    /// Takes all objects out, which stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (jobs, job) = (Queue::create(tx)?, tx.create(Job(1))?);
    ///     jobs.push_ref(tx, job)?;
    ///     jobs.clear_refs(tx)?;
    ///     assert_eq!(tx.read(job)?.0, 1);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn clear_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.list().clear(tx, &mut |_| Ok(())))
    }

    /// Deletes the queue, with everything it is made of, and the values.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear).
    ///
    /// ```
    /// # use upgradable::{AccessError, Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// Heap::new().atomically(|tx| {
    ///     let jobs = Queue::<Job>::create(tx)?;
    ///     jobs.delete(tx)?;
    ///     assert_eq!(jobs.len(tx), Err(AccessError::Deleted));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn delete(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.list().delete(tx, &mut |value| delete_value::<V>(tx, value)))
    }

    /// Deletes the queue, with everything it is made of. The values stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the queue can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let jobs = Queue::create(tx)?;
    ///     jobs.push(tx, Job(1))?;
    ///     Ok(jobs.delete_refs(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Job>().count()), 1);
    /// ```
    pub fn delete_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.list().delete(tx, &mut |_| Ok(())))
    }

    /// Checks that the queue's structure is sound: all chunks are there, full but for the last, and
    /// numbered without a gap. Values are not looked at.
    ///
    /// Reads the whole queue. For tests, and for doubts.
    ///
    /// # Errors
    ///
    /// [`CheckError`] with the first fault.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Queue};
    /// # #[derive(Upgradable, Clone)] struct Job(u8);
    /// let heap = Heap::new();
    /// let jobs = heap.atomically(|tx| Ok(Queue::<Job>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| jobs.check(s)), Ok(()));
    /// ```
    pub fn check(self, reader: &impl Read) -> Result<(), CheckError> {
        let root = reader.read(self.root)?;
        let head = reader.read(Ref::<Head>::new(root.head))?;
        let tail = reader.read(Ref::<Tail>::new(root.tail))?;
        let broken = |what| Err(CheckError::Broken(what));
        let mut at = head.chunk;
        let mut chunk = reader.read(Ref::<Chunk>::new(at))?;
        if head.gone > chunk.values.len() {
            return broken("more values are gone than there were");
        }
        while let Some(next) = chunk.next {
            if chunk.values.len() != CHUNK {
                return broken("a chunk has one behind it and is not full");
            }
            let following = reader.read(Ref::<Chunk>::new(next))?;
            // Numbers grow, so that this ends.
            if following.before != chunk.end() || following.values.is_empty() {
                return broken("a chunk does not begin where the one before it ends");
            }
            (at, chunk) = (next, following);
        }
        if at == tail.chunk { Ok(()) } else { broken("pushes do not go into the last chunk") }
    }
}
