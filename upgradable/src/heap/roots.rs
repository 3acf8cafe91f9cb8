//! Named roots: where a program finds its objects.

use std::collections::BTreeMap;

use crate::access::{AccessError, Mismatch};
use crate::lineage::{TypeVersion, Upgradable};
use crate::object::Ref;

/// The objects that have names.
pub(crate) type Roots = BTreeMap<Box<str>, Root>;

/// An object with a name, and the lineage it is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    pub(crate) object: u64,
    pub(crate) version: TypeVersion,
}

impl Root {
    /// As a reference, if it is of the lineage.
    pub(crate) fn get<T: Upgradable>(self) -> Result<Ref<T>, AccessError> {
        if self.version.lineage() == T::LINEAGE {
            return Ok(Ref::from_bits(self.object));
        }
        let wanted = TypeVersion::of::<T>();
        Err(AccessError::WrongType(Box::new(Mismatch { wanted, found: self.version })))
    }
}
