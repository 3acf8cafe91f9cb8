//! Kinds: the types of values, as small numbers that fit a version's header.

use std::any::TypeId;

use crate::raw::kinds;
use crate::raw::value::{self, DropFn};

/// The type of a value, as a number for this process.
///
/// ```
/// use upgradable_stm::Kind;
/// assert_eq!(Kind::of::<u64>(), Kind::of::<u64>());
/// assert_ne!(Kind::of::<u64>(), Kind::of::<i64>());
/// assert!(Kind::of::<String>().name().ends_with("String"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind(u32);

/// What is known of a kind.
#[derive(Debug)]
pub(crate) struct KindInfo {
    name: &'static str,
    pub(crate) type_id: TypeId,
    /// Bytes of the value in a node; a value that is boxed counts as its pointer.
    pub(crate) size: usize,
    /// What slots for such values are aligned to.
    pub(crate) align: usize,
    pub(crate) drop: Option<DropFn>,
}

impl Kind {
    /// No value: an unborn or a deleted object.
    pub(crate) const NONE: Self = Self(0);

    /// The kind of `T`: a look-up without a lock, of about a nanosecond.
    ///
    /// # Panics
    ///
    /// When a program uses more than 65,000 types of values.
    ///
    /// ```
    /// # use upgradable_stm::Kind;
    /// assert!(Kind::of::<u8>().is::<u8>());
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn of<T: Send + Sync + 'static>() -> Self {
        Self(kinds::number_of(TypeId::of::<T>(), KindInfo::of::<T>))
    }

    /// Whether this is the kind of `T`.
    ///
    /// ```
    /// # use upgradable_stm::Kind;
    /// assert!(!Kind::of::<u8>().is::<i8>());
    /// ```
    #[must_use]
    #[inline(always)]
    pub fn is<T: 'static>(self) -> bool {
        self.info().is_some_and(|info| info.type_id == TypeId::of::<T>())
    }

    /// The type's name, for messages.
    ///
    /// ```
    /// assert_eq!(upgradable_stm::Kind::of::<u8>().name(), "u8");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().map_or("(nothing)", |info| info.name)
    }

    #[inline]
    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    #[inline]
    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(crate) fn info(self) -> Option<&'static KindInfo> {
        kinds::get(self.0)
    }
}

impl KindInfo {
    fn of<T: Send + Sync + 'static>() -> Self {
        Self {
            name: std::any::type_name::<T>(),
            type_id: TypeId::of::<T>(),
            size: value::stored_size::<T>(),
            align: value::slot_align::<T>(),
            drop: value::drop_fn::<T>(),
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::collections::HashSet;
    use std::marker::PhantomData;
    use std::thread;

    use super::*;

    struct Leaf;
    struct Fork<D>(PhantomData<D>);

    /// A tree of types, twice as many with each level.
    trait Tree {
        fn kinds<T: Send + Sync + 'static>(into: &mut Vec<Kind>);
    }

    impl Tree for Leaf {
        fn kinds<T: Send + Sync + 'static>(into: &mut Vec<Kind>) {
            let kind = Kind::of::<T>();
            assert!(kind.is::<T>());
            into.push(kind);
        }
    }

    impl<D: Tree> Tree for Fork<D> {
        fn kinds<T: Send + Sync + 'static>(into: &mut Vec<Kind>) {
            D::kinds::<(T, u8)>(into);
            D::kinds::<(u8, T)>(into);
        }
    }

    type Wide = Fork<Fork<Fork<Fork<Fork<Fork<Fork<Fork<Leaf>>>>>>>>;

    #[test]
    fn hundreds_of_types_entered_by_several_threads_at_once_have_a_number_each() {
        let all = || {
            let mut kinds = Vec::new();
            Wide::kinds::<u16>(&mut kinds);
            Wide::kinds::<u32>(&mut kinds);
            kinds
        };
        let seen = thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(all));
            threads.map(|thread| thread.join().unwrap())
        });
        assert!(seen.iter().all(|kinds| *kinds == all()));
        assert_eq!(seen[0].len(), 512);
        assert_eq!(seen[0].iter().collect::<HashSet<_>>().len(), 512);
    }
}
