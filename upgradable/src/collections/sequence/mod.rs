//! A list with places: a counted tree of objects.

mod check;
mod edit;
mod iter;
mod node;
#[cfg(all(test, not(loom)))]
mod tests;
mod tree;

use std::marker::PhantomData;
use std::ops::RangeBounds;

pub use self::iter::{Iter, IterRefs};

use self::iter::Values;
use self::node::Root;
use self::tree::Tree;
use super::handle::handle;
use crate::access::AccessError;
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A list whose values have places, made of objects of a heap.
///
/// This is a handle, as small as a [`Ref`] and as easily copied; it may be a field of an object.
/// Inserting and removing anywhere takes logarithmic time. Transactions that insert or remove
/// conflict with all others that do, and with writers that look for a place, since every place
/// depends on what is before it. Those that only change values conflict in the values alone.
///
/// Methods come in pairs: `insert` creates the value's object, `remove` deletes it; `insert_ref`
/// and `remove_ref` leave the objects to the caller.
///
/// # Errors
///
/// Every method fails with an [`AccessError`] if the sequence has been deleted or is of another
/// heap. After an error from a method that writes, the transaction should end with it. A place
/// beyond the end is no error: there is nothing there.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgradable, collections::Sequence};
///
/// #[derive(Upgradable, Clone)]
/// struct Line(String);
///
/// let heap = Heap::new();
/// let text = heap.atomically(|tx| {
///     let text = Sequence::create(tx)?;
///     text.push_back(tx, Line("first".into()))?;
///     text.push_back(tx, Line("third".into()))?;
///     text.insert(tx, 1, Line("second".into()))?;
///     Ok(text)
/// })?;
/// let lines = heap.snapshot(|s| -> Result<Vec<String>, AccessError> {
///     text.iter(s).map(|line| Ok(line?.0.clone())).collect()
/// })?;
/// assert_eq!(lines, ["first", "second", "third"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sequence<V> {
    root: Ref<Root>,
    values: PhantomData<fn() -> V>,
}

handle!(Sequence, "Sequence", [], Root, "Sequence<");

impl<V: Upgradable> Sequence<V> {
    fn tree(self) -> Tree {
        Tree(self.root)
    }

    /// A new, empty sequence.
    ///
    /// # Errors
    ///
    /// None but those of [`Tx::create`].
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// let heap = Heap::new();
    /// let lines = heap.atomically(|tx| Ok(Sequence::<Line>::create(tx)?)).unwrap();
    /// assert_eq!(heap.snapshot(|s| lines.is_empty(s)), Ok(true));
    /// ```
    pub fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        Ok(Self::of_root(Tree::create(tx)?.0))
    }

    /// The value at a place.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence or the value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.get(tx, 50)?.map(|line| line.0), Some(50));
    ///     assert!(lines.get(tx, 99)?.is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn get(self, reader: &impl Read, at: usize) -> Result<Option<&V>, AccessError> {
        self.get_ref(reader, at)?.map(|value| reader.read(value)).transpose()
    }

    /// The object at a place.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     let line = lines.push_back(tx, Line(1))?;
    ///     assert_eq!(lines.get_ref(tx, 0)?, Some(line));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn get_ref(self, reader: &impl Read, at: usize) -> Result<Option<Ref<V>>, AccessError> {
        let Some((leaf, at, _)) = self.tree().find(reader, at)? else { return Ok(None) };
        Ok(leaf.values.get(at).map(|&value| Ref::new(value)))
    }

    /// The first value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.first(tx)?.map(|line| line.0), Some(0));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn first(self, reader: &impl Read) -> Result<Option<&V>, AccessError> {
        self.get(reader, 0)
    }

    /// The last value.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.last(tx)?.map(|line| line.0), Some(98));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn last(self, reader: &impl Read) -> Result<Option<&V>, AccessError> {
        match self.len(reader)?.checked_sub(1) {
            None => Ok(None),
            Some(at) => self.get(reader, at),
        }
    }

    /// The number of values: one look.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.len(tx)?, 99);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn len(self, reader: &impl Read) -> Result<usize, AccessError> {
        self.tree().len(reader)
    }

    /// Whether there is no value.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert!(Sequence::<Line>::create(tx)?.is_empty(tx)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn is_empty(self, reader: &impl Read) -> Result<bool, AccessError> {
        Ok(self.len(reader)? == 0)
    }

    /// The values at these places, from both ends.
    ///
    /// They are those of the reader's snapshot; in a [`Tx`], with what it has written before. It
    /// goes by places: after insertions and removals by the transaction itself other values may be
    /// there. Bounds that are the wrong way round have nothing between them, and beyond the end
    /// there is nothing.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.range(tx, 10..=19).count(), 10);
    ///     assert_eq!(lines.range(tx, 90..1_000).count(), 9);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn range<R: Read>(self, reader: &R, places: impl RangeBounds<usize>) -> Iter<'_, R, V> {
        Iter::new(Values::new(self.tree(), reader, &places))
    }

    /// The objects at these places, from both ends. See [`range`](Self::range).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert!(Sequence::<Line>::create(tx)?.range_refs(tx, 5..).next().is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn range_refs<R: Read>(
        self,
        reader: &R,
        places: impl RangeBounds<usize>,
    ) -> IterRefs<'_, R, V> {
        IterRefs::new(Values::new(self.tree(), reader, &places))
    }

    /// All values, from both ends. See [`range`](Self::range).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     assert_eq!(lines.iter(tx).count(), 99);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter<R: Read>(self, reader: &R) -> Iter<'_, R, V> {
        self.range(reader, ..)
    }

    /// All objects, from both ends. See [`range`](Self::range).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert!(Sequence::<Line>::create(tx)?.iter_refs(tx).next_back().is_none());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn iter_refs<R: Read>(self, reader: &R) -> IterRefs<'_, R, V> {
        self.range_refs(reader, ..)
    }
}
