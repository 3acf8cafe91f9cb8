//! Kinds: the types of values, as small numbers that fit a version's header.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

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
    type_id: TypeId,
    /// Bytes of the value in a node; a value that is boxed counts as its pointer.
    pub(crate) size: usize,
    /// What slots for such values are aligned to.
    pub(crate) align: usize,
    pub(crate) drop: Option<DropFn>,
}

static NUMBERS: OnceLock<RwLock<HashMap<TypeId, u32>>> = OnceLock::new();

impl Kind {
    /// No value: an unborn or a deleted object.
    pub(crate) const NONE: Self = Self(0);

    /// The kind of `T`. A look-up under a shared lock: keep the result where it is asked for often.
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
    pub fn of<T: Send + Sync + 'static>() -> Self {
        let numbers = NUMBERS.get_or_init(RwLock::default);
        let id = TypeId::of::<T>();
        if let Some(&number) = unpoisoned(numbers.read()).get(&id) {
            return Self(number);
        }
        let mut numbers = unpoisoned(numbers.write());
        if let Some(&number) = numbers.get(&id) {
            return Self(number);
        }
        let number = numbers.len() + 1;
        assert!(number < kinds::MOST, "more than {} types of values", kinds::MOST - 1);
        let info = KindInfo {
            name: std::any::type_name::<T>(),
            type_id: id,
            size: value::stored_size::<T>(),
            align: value::slot_align::<T>(),
            drop: value::drop_fn::<T>(),
        };
        kinds::set(number, info);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        numbers.insert(id, number);
        Self(number)
    }

    /// Whether this is the kind of `T`.
    ///
    /// ```
    /// # use upgradable_stm::Kind;
    /// assert!(!Kind::of::<u8>().is::<i8>());
    /// ```
    #[must_use]
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

    pub(crate) const fn to_bits(self) -> u32 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline(always)]
    pub(crate) fn info(self) -> Option<&'static KindInfo> {
        kinds::get(self.0 as usize)
    }
}

/// The table is consistent at every point where a holder of the lock could panic.
fn unpoisoned<G>(lock: Result<G, std::sync::PoisonError<G>>) -> G {
    lock.unwrap_or_else(std::sync::PoisonError::into_inner)
}
