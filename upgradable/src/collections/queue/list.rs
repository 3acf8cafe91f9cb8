//! The list of chunks: pushing at one end, popping at the other.
//!
//! # Protocol
//!
//! A push writes the last chunk; a pop writes the head, and reads the chunk it pops from. That is
//! the last one only if the queue holds less than a chunk: before, pushes and pops have no object
//! in common.

use upgradable_stm::Handle;

use super::node::{CHUNK, Chunk, Head, Root, Tail};
use crate::access::AccessError;
use crate::object::Ref;
use crate::txn::{Read, Tx};

/// A queue, whatever its values are.
#[derive(Clone, Copy)]
pub(super) struct List(pub(super) Ref<Root>);

impl List {
    pub(super) fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        let chunk = tx.create(Chunk::new(0))?.handle();
        let head = tx.create(Head { chunk, gone: 0 })?.handle();
        let tail = tx.create(Tail { chunk })?.handle();
        Ok(Self(tx.create(Root { head, tail })?))
    }

    fn head(self, reader: &impl Read) -> Result<Ref<Head>, AccessError> {
        Ok(Ref::new(reader.read(self.0)?.head))
    }

    fn tail(self, reader: &impl Read) -> Result<Ref<Tail>, AccessError> {
        Ok(Ref::new(reader.read(self.0)?.tail))
    }

    pub(super) fn push(self, tx: &Tx<'_>, value: Handle) -> Result<(), AccessError> {
        let tail = self.tail(tx)?;
        let last = Ref::<Chunk>::new(tx.read(tail)?.chunk);
        let chunk = tx.read(last)?;
        if chunk.values.len() < CHUNK {
            return tx.modify(last, |chunk| chunk.values.push(value));
        }
        let mut new = Chunk::new(chunk.end());
        new.values.push(value);
        let new = tx.create(new)?.handle();
        tx.modify(last, |chunk| chunk.next = Some(new))?;
        tx.write(tail, Tail { chunk: new })
    }

    /// The chunk with the first value, how many of it are gone, and its handle.
    pub(super) fn first<R: Read>(
        self,
        reader: &R,
    ) -> Result<(&Chunk, usize, Ref<Chunk>), AccessError> {
        let Head { chunk: mut at, gone } = *reader.read(self.head(reader)?)?;
        let mut chunk = reader.read(Ref::<Chunk>::new(at))?;
        if gone < chunk.values.len() {
            return Ok((chunk, gone, Ref::new(at)));
        }
        // The next one has a value from the start.
        if let Some(next) = chunk.next {
            (at, chunk) = (next, reader.read(Ref::<Chunk>::new(next))?);
            return Ok((chunk, 0, Ref::new(at)));
        }
        Ok((chunk, gone, Ref::new(at)))
    }

    pub(super) fn front(self, reader: &impl Read) -> Result<Option<Handle>, AccessError> {
        let (chunk, gone, _) = self.first(reader)?;
        Ok(chunk.values.get(gone).copied())
    }

    pub(super) fn pop(self, tx: &Tx<'_>) -> Result<Option<Handle>, AccessError> {
        let (chunk, gone, at) = self.first(tx)?;
        let Some(&value) = chunk.values.get(gone) else { return Ok(None) };
        let head = self.head(tx)?;
        let left = Ref::<Chunk>::new(tx.read(head)?.chunk);
        tx.write(head, Head { chunk: at.handle(), gone: gone + 1 })?;
        if left != at {
            tx.delete(left)?;
        }
        Ok(Some(value))
    }

    pub(super) fn len(self, reader: &impl Read) -> Result<u64, AccessError> {
        let head = reader.read(self.head(reader)?)?;
        let first = reader.read(Ref::<Chunk>::new(head.chunk))?;
        let last = reader.read(Ref::<Chunk>::new(reader.read(self.tail(reader)?)?.chunk))?;
        Ok(last.end().wrapping_sub(first.before).wrapping_sub(head.gone as u64))
    }

    /// Deletes all chunks, and shows all values. Says how many were ever pushed.
    fn delete_chunks(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<u64, AccessError> {
        let Head { chunk, mut gone } = *tx.read(self.head(tx)?)?;
        let (mut at, mut end) = (Some(chunk), 0);
        while let Some(this) = at {
            let this = Ref::<Chunk>::new(this);
            let chunk = tx.read(this)?;
            chunk.values.iter().skip(gone).try_for_each(|&at| value(at))?;
            tx.delete(this)?;
            (at, end, gone) = (chunk.next, chunk.end(), 0);
        }
        Ok(end)
    }

    pub(super) fn clear(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        let end = self.delete_chunks(tx, value)?;
        let chunk = tx.create(Chunk::new(end))?.handle();
        tx.write(self.head(tx)?, Head { chunk, gone: 0 })?;
        tx.write(self.tail(tx)?, Tail { chunk })
    }

    pub(super) fn delete(
        self,
        tx: &Tx<'_>,
        value: &mut impl FnMut(Handle) -> Result<(), AccessError>,
    ) -> Result<(), AccessError> {
        self.delete_chunks(tx, value)?;
        tx.delete(self.head(tx)?)?;
        tx.delete(self.tail(tx)?)?;
        tx.delete(self.0)
    }
}
