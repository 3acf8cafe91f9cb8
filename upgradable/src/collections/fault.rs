//! What a check of a collection finds.

use std::error::Error;
use std::fmt;

use crate::access::AccessError;

/// Why a collection's structure is not sound.
///
/// No sequence of calls makes a sound collection unsound; a handle that was put together from the
/// wrong word may.
///
/// ```
/// use upgradable::{AccessError, Heap, Upgradable, collections::{CheckError, OrderedMap}};
/// # #[derive(Upgradable, Clone)] struct Tag(u8);
/// let heap = Heap::new();
/// let nothing = OrderedMap::<u64, Tag>::from_bits(12_345);
/// let checked = heap.snapshot(|s| nothing.check(s));
/// assert_eq!(checked, Err(CheckError::Access(AccessError::Foreign)));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CheckError {
    /// A part of it can't be had.
    Access(AccessError),
    /// A part of it is not as it should be.
    Broken(&'static str),
}

impl From<AccessError> for CheckError {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Access(error) => write!(f, "a part of the collection can't be had: {error}"),
            Self::Broken(what) => write!(f, "the collection is broken: {what}"),
        }
    }
}

impl Error for CheckError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Access(error) => Some(error),
            Self::Broken(_) => None,
        }
    }
}
