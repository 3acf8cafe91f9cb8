//! Rooms for objects of one type, named by index and generation.

use std::cell::UnsafeCell;
use std::fmt;

use super::slot::{Guard, Mode};
use super::{Access, Fault, Slot};
use crate::id::Id;

const PAGE: usize = 1024;

/// The objects of one type. Created and deleted only with exclusive access.
pub(crate) struct Arena<T> {
    rooms: UnsafeCell<Rooms<T>>,
}

struct Rooms<T> {
    /// Boxed pages, so that objects stay where they are when more are created.
    pages: Vec<Box<[Room<T>]>>,
    free: Vec<u32>,
}

struct Room<T> {
    /// Raised when the object is deleted.
    generation: UnsafeCell<u32>,
    object: Slot<Option<T>>,
}

// SAFETY: as for `Slot`; pages, generations and the free list are written only with exclusive
// access, whose maker vouches that no other thread uses the arena meanwhile.
unsafe impl<T: Send + Sync> Sync for Arena<T> {}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { rooms: UnsafeCell::new(Rooms { pages: Vec::new(), free: Vec::new() }) }
    }
}

impl<T> fmt::Debug for Arena<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").finish_non_exhaustive()
    }
}

impl<T> Arena<T> {
    #[inline]
    fn room(&self, id: Id<T>) -> Result<&Room<T>, Fault> {
        let (index, generation) = (id.to_bits() as u32 as usize, (id.to_bits() >> 32) as u32);
        // SAFETY: `rooms` is only written with exclusive access and no reference to it is kept
        // across other calls; what is returned is in a page, which does not move.
        let room = unsafe { &*self.rooms.get() }
            .pages
            .get(index / PAGE)
            .ok_or(Fault::Missing)?
            .get(index % PAGE)
            .ok_or(Fault::Missing)?;
        // SAFETY: as before, of the generation.
        if unsafe { *room.generation.get() } == generation { Ok(room) } else { Err(Fault::Missing) }
    }

    #[inline]
    pub(crate) fn read(&self, access: Access, id: Id<T>) -> Result<ObjectGuard<'_, T>, Fault> {
        let guard = self.room(id)?.object.read(access);
        if guard.is_some() { Ok(ObjectGuard(guard)) } else { Err(Fault::Missing) }
    }

    #[inline]
    pub(crate) fn modify<R>(
        &self,
        access: Access,
        id: Id<T>,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, Fault> {
        self.room(id)?
            .object
            .write(access, |object| object.as_mut().map(change).ok_or(Fault::Missing))?
    }

    pub(crate) fn create(&self, access: Access, object: T) -> Result<Id<T>, Fault> {
        exclusive(access)?;
        // SAFETY: with exclusive access nobody else is here, and this reference ends before
        // anything else is called that could make another.
        let rooms = unsafe { &mut *self.rooms.get() };
        if rooms.free.is_empty() {
            let first = rooms.pages.len() * PAGE;
            rooms.pages.push((0..PAGE).map(|_| Room::new()).collect());
            rooms.free.extend((first..first + PAGE).rev().map(|index| index as u32));
        }
        let index = rooms.free.pop().ok_or(Fault::Missing)?;
        let room = &rooms.pages[index as usize / PAGE][index as usize % PAGE];
        // SAFETY: exclusive access, as before.
        let generation = unsafe { *room.generation.get() };
        room.object.write(access, |place| *place = Some(object))?;
        Ok(Id::from_bits(u64::from(generation) << 32 | u64::from(index)))
    }

    pub(crate) fn delete(&self, access: Access, id: Id<T>) -> Result<(), Fault> {
        exclusive(access)?;
        let room = self.room(id)?;
        let object = room.object.write(access, Option::take)?;
        // SAFETY: exclusive access, and no reference to the generation is ever kept.
        unsafe { *room.generation.get() += 1 };
        // SAFETY: exclusive access, and the reference ends with the statement.
        unsafe { &mut *self.rooms.get() }.free.push(id.to_bits() as u32);
        object.map(drop).ok_or(Fault::Missing)
    }
}

fn exclusive(access: Access) -> Result<(), Fault> {
    if access.mode() == Mode::Exclusive { Ok(()) } else { Err(Fault::NotLocked) }
}

impl<T> Room<T> {
    fn new() -> Self {
        Self { generation: UnsafeCell::new(0), object: Slot::new(None) }
    }
}

/// An object that is being read.
#[derive(Debug)]
pub(crate) struct ObjectGuard<'s, T>(Guard<'s, Option<T>>);

impl<T> std::ops::Deref for ObjectGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect("it was there when the guard was made, and nobody writes since")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone() -> Access {
        // SAFETY: these arenas are used by one thread.
        unsafe { Access::new(Mode::Exclusive) }
    }

    #[test]
    fn a_deleted_object_is_never_another_one() {
        let arena = Arena::default();
        let first = arena.create(alone(), "first").expect("there is room");
        arena.delete(alone(), first).expect("it is there");
        let second = arena.create(alone(), "second").expect("there is room");
        assert_eq!(arena.read(alone(), first).map(|object| *object), Err(Fault::Missing));
        assert_eq!(arena.read(alone(), second).map(|object| *object), Ok("second"));
        assert_eq!(arena.delete(alone(), first), Err(Fault::Missing));
        assert_eq!(arena.modify(alone(), Id::NOWHERE, |_| ()), Err(Fault::Missing));
    }

    #[test]
    fn objects_stay_where_they_are() {
        let arena = Arena::default();
        let first = arena.create(alone(), 0).expect("there is room");
        let guard = arena.read(alone(), first).expect("it is there");
        for n in 1..3 * PAGE {
            arena.create(alone(), n).expect("there is room");
        }
        assert_eq!(*guard, 0);
    }
}
