//! Putting values in and taking them out.

use super::Sequence;
use crate::access::AccessError;
use crate::collections::{delete_value, whole};
use crate::lineage::Upgradable;
use crate::object::Ref;
use crate::txn::Tx;

impl<V: Upgradable> Sequence<V> {
    /// Creates an object and inserts it before the value at that place, or at the end. `None`, and
    /// nothing is created: that is beyond the end.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had, or `V` is not the current version of its
    /// lineage.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     assert!(lines.insert(tx, 1, Line(1))?.is_none());
    ///     assert!(lines.insert(tx, 0, Line(0))?.is_some());
    ///     assert!(lines.insert(tx, 1, Line(1))?.is_some());
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn insert(self, tx: &Tx<'_>, at: usize, value: V) -> Result<Option<Ref<V>>, AccessError> {
        if at > self.len(tx)? {
            return Ok(None);
        }
        let value = tx.create(value)?;
        Ok(self.insert_ref(tx, at, value)?.then_some(value))
    }

    /// Inserts an object before the value at that place, or at the end. `false`: that is beyond
    /// the end.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had. The object is not looked at.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (lines, line) = (Sequence::create(tx)?, tx.create(Line(1))?);
    ///     assert!(lines.insert_ref(tx, 0, line)?);
    ///     assert!(!lines.insert_ref(tx, 5, line)?);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn insert_ref(self, tx: &Tx<'_>, at: usize, value: Ref<V>) -> Result<bool, AccessError> {
        self.tree().insert(tx, at, value.handle())
    }

    /// Makes another object the one at a place. Returns the one that was there, which stays.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had. The object is not looked at.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     let (one, two) = (lines.push_back(tx, Line(1))?, tx.create(Line(2))?);
    ///     assert_eq!(lines.replace_ref(tx, 0, two)?, Some(one));
    ///     assert_eq!(lines.replace_ref(tx, 1, two)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn replace_ref(
        self,
        tx: &Tx<'_>,
        at: usize,
        value: Ref<V>,
    ) -> Result<Option<Ref<V>>, AccessError> {
        let Some((leaf, at, node)) = self.tree().find(tx, at)? else { return Ok(None) };
        let Some(&before) = leaf.values.get(at) else { return Ok(None) };
        tx.modify(node, |leaf| leaf.values[at] = value.handle())?;
        Ok(Some(Ref::new(before)))
    }

    /// Changes the value at a place. `None`: there is no such place.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence or the value can't be had.
    ///
    /// # Panics
    ///
    /// As [`Tx::modify`].
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.push_back(tx, Line(1))?;
    ///     assert_eq!(lines.modify(tx, 0, |line| { line.0 += 1; line.0 })?, Some(2));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn modify<R>(
        self,
        tx: &Tx<'_>,
        at: usize,
        change: impl FnOnce(&mut V) -> R,
    ) -> Result<Option<R>, AccessError> {
        self.get_ref(tx, at)?.map(|value| tx.modify(value, change)).transpose()
    }

    /// Takes the value at a place out and deletes its object. `None`: there is no such place.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence or the value can't be had. A value that has been deleted
    /// already can be taken out by [`remove_ref`](Self::remove_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..9).map(Line))?;
    ///     assert_eq!(lines.remove(tx, 4)?.map(|line| line.0), Some(4));
    ///     assert_eq!(lines.get(tx, 4)?.map(|line| line.0), Some(5));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn remove<'t>(self, tx: &Tx<'t>, at: usize) -> Result<Option<&'t V>, AccessError> {
        let Some(object) = self.get_ref(tx, at)? else { return Ok(None) };
        let value = tx.read(object)?;
        self.tree().remove(tx, at)?;
        tx.delete(object)?;
        Ok(Some(value))
    }

    /// Takes the object at a place out, which stays.
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
    ///     assert_eq!(lines.remove_ref(tx, 0)?, Some(line));
    ///     assert_eq!(lines.remove_ref(tx, 0)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn remove_ref(self, tx: &Tx<'_>, at: usize) -> Result<Option<Ref<V>>, AccessError> {
        Ok(self.tree().remove(tx, at)?.map(Ref::new))
    }

    /// Creates an object and puts it at the end.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.push_back(tx, Line(1))?;
    ///     assert_eq!(lines.len(tx)?, 1);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push_back(self, tx: &Tx<'_>, value: V) -> Result<Ref<V>, AccessError> {
        let value = tx.create(value)?;
        self.push_back_ref(tx, value)?;
        Ok(value)
    }

    /// Puts an object at the end.
    ///
    /// # Errors
    ///
    /// As [`insert_ref`](Self::insert_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (lines, line) = (Sequence::create(tx)?, tx.create(Line(1))?);
    ///     lines.push_back_ref(tx, line)?;
    ///     assert_eq!(lines.get_ref(tx, 0)?, Some(line));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push_back_ref(self, tx: &Tx<'_>, value: Ref<V>) -> Result<(), AccessError> {
        self.insert_ref(tx, self.len(tx)?, value).map(drop)
    }

    /// Creates an object and puts it before all others.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.push_front(tx, Line(1))?;
    ///     lines.push_front(tx, Line(0))?;
    ///     assert_eq!(lines.first(tx)?.map(|line| line.0), Some(0));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push_front(self, tx: &Tx<'_>, value: V) -> Result<Ref<V>, AccessError> {
        let value = tx.create(value)?;
        self.push_front_ref(tx, value)?;
        Ok(value)
    }

    /// Puts an object before all others.
    ///
    /// # Errors
    ///
    /// As [`insert_ref`](Self::insert_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let (lines, line) = (Sequence::create(tx)?, tx.create(Line(1))?);
    ///     lines.push_front_ref(tx, line)?;
    ///     assert_eq!(lines.get_ref(tx, 0)?, Some(line));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn push_front_ref(self, tx: &Tx<'_>, value: Ref<V>) -> Result<(), AccessError> {
        self.insert_ref(tx, 0, value).map(drop)
    }

    /// Takes the last value out and deletes its object.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..9).map(Line))?;
    ///     assert_eq!(lines.pop_back(tx)?.map(|line| line.0), Some(8));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_back<'t>(self, tx: &Tx<'t>) -> Result<Option<&'t V>, AccessError> {
        match self.len(tx)?.checked_sub(1) {
            None => Ok(None),
            Some(at) => self.remove(tx, at),
        }
    }

    /// Takes the last object out, which stays.
    ///
    /// # Errors
    ///
    /// As [`remove_ref`](Self::remove_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(Sequence::<Line>::create(tx)?.pop_back_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_back_ref(self, tx: &Tx<'_>) -> Result<Option<Ref<V>>, AccessError> {
        match self.len(tx)?.checked_sub(1) {
            None => Ok(None),
            Some(at) => self.remove_ref(tx, at),
        }
    }

    /// Takes the first value out and deletes its object.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..9).map(Line))?;
    ///     assert_eq!(lines.pop_front(tx)?.map(|line| line.0), Some(0));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_front<'t>(self, tx: &Tx<'t>) -> Result<Option<&'t V>, AccessError> {
        self.remove(tx, 0)
    }

    /// Takes the first object out, which stays.
    ///
    /// # Errors
    ///
    /// As [`remove_ref`](Self::remove_ref).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     assert_eq!(Sequence::<Line>::create(tx)?.pop_front_ref(tx)?, None);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn pop_front_ref(self, tx: &Tx<'_>) -> Result<Option<Ref<V>>, AccessError> {
        self.remove_ref(tx, 0)
    }

    /// Puts all these values at the end.
    ///
    /// # Errors
    ///
    /// As [`insert`](Self::insert).
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..9).map(Line))?;
    ///     assert_eq!(lines.len(tx)?, 9);
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn extend(
        self,
        tx: &Tx<'_>,
        values: impl IntoIterator<Item = V>,
    ) -> Result<(), AccessError> {
        values.into_iter().try_for_each(|value| self.push_back(tx, value).map(drop))
    }

    /// Takes all values out and deletes their objects. Those that have been deleted already are
    /// passed over.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence or a value can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.extend(tx, (0..99).map(Line))?;
    ///     Ok(lines.clear(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Line>().count()), 0);
    /// ```
    pub fn clear(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.tree().clear(tx, &mut |value| delete_value::<V>(tx, value)))
    }

    /// Takes all objects out, which stay.
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
    ///     lines.clear_refs(tx)?;
    ///     assert_eq!((lines.len(tx)?, tx.read(line)?.0), (0, 1));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn clear_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || self.tree().clear(tx, &mut |_| Ok(())))
    }

    /// Deletes the sequence, with everything it is made of, and the values.
    ///
    /// # Errors
    ///
    /// As [`clear`](Self::clear).
    ///
    /// ```
    /// # use upgradable::{AccessError, Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// Heap::new().atomically(|tx| {
    ///     let lines = Sequence::<Line>::create(tx)?;
    ///     lines.delete(tx)?;
    ///     assert_eq!(lines.len(tx), Err(AccessError::Deleted));
    ///     Ok(())
    /// }).unwrap();
    /// ```
    pub fn delete(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || {
            self.tree().delete_nodes(tx, &mut |value| delete_value::<V>(tx, value))?;
            tx.delete(self.root)
        })
    }

    /// Deletes the sequence, with everything it is made of. The values stay.
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the sequence can't be had.
    ///
    /// ```
    /// # use upgradable::{Heap, Upgradable, collections::Sequence};
    /// # #[derive(Upgradable, Clone)] struct Line(u8);
    /// let heap = Heap::new();
    /// heap.atomically(|tx| {
    ///     let lines = Sequence::create(tx)?;
    ///     lines.push_back(tx, Line(1))?;
    ///     Ok(lines.delete_refs(tx)?)
    /// }).unwrap();
    /// assert_eq!(heap.snapshot(|s| s.objects::<Line>().count()), 1);
    /// ```
    pub fn delete_refs(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        whole(tx, || {
            self.tree().delete_nodes(tx, &mut |_| Ok(()))?;
            tx.delete(self.root)
        })
    }
}
