//! How objects refer to each other: one word, the same for every back end.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use upgradable::{Cx, Profile, Shape, TransformError, Upgradable, UpgradeFrom};

/// Names an object of type `T`. What the word means is the back end's business.
pub(crate) struct Id<T> {
    bits: u64,
    object: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    /// Names nothing. Stands in a new object until the object it refers to exists.
    pub(crate) const NOWHERE: Self = Self::from_bits(u64::MAX);

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self { bits, object: PhantomData }
    }

    #[inline]
    pub(crate) const fn to_bits(self) -> u64 {
        self.bits
    }

    /// The same object as another version of its type.
    pub(crate) const fn cast<U>(self) -> Id<U> {
        Id::from_bits(self.bits)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl<T> Eq for Id<T> {}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits.hash(state);
    }
}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:x})", self.bits)
    }
}

impl<T: Upgradable> Shape for Id<T> {
    const NAME: &'static str = T::LINEAGE;
}

impl<Old, New> UpgradeFrom<Id<Old>> for Id<New> {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &Id<Old>, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(old.cast())
    }

    fn put(new: &Self, _: Option<&Id<Old>>, _: &mut Cx<'_>) -> Result<Id<Old>, TransformError> {
        Ok(new.cast())
    }
}
