//! References to objects of a heap.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use upgradable_stm::Handle;

use crate::error::TransformError;
use crate::lineage::{NameBuilder, Shape, Upgradable, same_name};
use crate::transformer::{Cx, Profile, UpgradeFrom};

/// The name of an object in a heap, for code that knows it as a `T`.
///
/// It is `Copy`, takes eight bytes, and names the same object for ever: through upgrades, and
/// after its deletion, when it names nothing. Objects refer to each other by it.
///
/// The type parameter says which type version the code that holds it expects; the same object
/// seen as another version of its lineage is a [`cast`](Self::cast) away. Nothing is believed:
/// every access checks that the object is there, of this heap, and a `T` by now.
///
/// ```
/// use upgradable::{Heap, Ref, Upgradable};
///
/// #[derive(Upgradable, Clone)]
/// #[upgrade(name = "doc.Node")]
/// struct Node { value: u32, next: Option<Ref<Node>> }
///
/// let heap = Heap::new();
/// let first = heap.atomically(|tx| {
///     let second = tx.create(Node { value: 2, next: None })?;
///     Ok(tx.create(Node { value: 1, next: Some(second) })?)
/// })?;
/// let sum = heap.snapshot(|s| -> Result<u32, upgradable::AccessError> {
///     let (mut sum, mut at) = (0, Some(first));
///     while let Some(node) = at {
///         let node = s.read(node)?;
///         sum += node.value;
///         at = node.next;
///     }
///     Ok(sum)
/// })?;
/// assert_eq!(sum, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Ref<T> {
    handle: Handle,
    to: PhantomData<fn() -> T>,
}

impl<T> Ref<T> {
    pub(crate) const fn new(handle: Handle) -> Self {
        Self { handle, to: PhantomData }
    }

    pub(crate) const fn handle(self) -> Handle {
        self.handle
    }

    /// The reference as a word, to keep it outside.
    ///
    /// ```
    /// # use upgradable::{Heap, Ref, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let tag = Heap::new().atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    /// assert_eq!(Ref::<Tag>::from_bits(tag.to_bits()), tag);
    /// ```
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.handle.to_bits()
    }

    /// The reference that [`to_bits`](Self::to_bits) turned into this word. Any other word gives
    /// a reference that names nothing, or an object of another type: an access finds out.
    ///
    /// ```
    /// use upgradable::{AccessError, Heap, Ref, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Tag(u8);
    /// let nothing = Ref::<Tag>::from_bits(12_345);
    /// let found = Heap::new().snapshot(|s| s.read(nothing).map(|tag| tag.0));
    /// assert!(matches!(found, Err(AccessError::Foreign)));
    /// ```
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self::new(Handle::from_bits(bits))
    }

    /// The same object, for code that knows it as another version of its lineage: a later one
    /// after an upgrade, an earlier one after a roll back. Another lineage does not compile.
    ///
    /// ```
    /// use upgradable::{Ref, Upgradable};
    ///
    /// # mod v1 {
    /// #     #[derive(upgradable::Upgradable, Clone)]
    /// #     #[upgrade(name = "doc.Note")]
    /// #     pub struct Note { pub text: String }
    /// # }
    /// #[derive(Upgradable, Clone)]
    /// #[upgrade(version = 2, from = v1::Note)]
    /// struct Note { text: String }
    ///
    /// fn as_it_is_now(old: Ref<v1::Note>) -> Ref<Note> {
    ///     old.cast()
    /// }
    /// # let _ = |n: Note| n.text;
    /// ```
    ///
    /// ```compile_fail
    /// # use upgradable::{Ref, Upgradable};
    /// # #[derive(Upgradable, Clone)] struct Apple;
    /// # #[derive(Upgradable, Clone)] struct Orange;
    /// let orange: Ref<Orange> = Ref::<Apple>::from_bits(1).cast();
    /// ```
    #[must_use]
    pub const fn cast<U: Upgradable>(self) -> Ref<U>
    where
        T: Upgradable,
    {
        const {
            assert!(same_name(T::LINEAGE, U::LINEAGE), "a `Ref` can't change its lineage");
        }
        Ref::new(self.handle)
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.handle == other.handle
    }
}

impl<T> Eq for Ref<T> {}

impl<T> PartialOrd for Ref<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ref<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.handle.cmp(&other.handle)
    }
}

impl<T> Hash for Ref<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.handle.hash(state);
    }
}

impl<T> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ref({:#x})", self.to_bits())
    }
}

/// As a word. It means something in the heap it comes from only.
impl<T> Serialize for Ref<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.to_bits())
    }
}

impl<'de, T> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer).map(Self::from_bits)
    }
}

/// Names the lineage, not the version: an object that refers to another one need not change with
/// it.
impl<T: Upgradable> Shape for Ref<T> {
    const NAME: &'static str =
        const { &NameBuilder::new().text("Ref<").text(T::LINEAGE).text(">") }.as_str();
}

/// The object stays the same.
impl<Old: Upgradable, New: Upgradable> UpgradeFrom<Ref<Old>> for Ref<New> {
    const PROFILE: Profile = Profile::both_ways();

    #[inline]
    fn upgrade_from(old: &Ref<Old>, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(old.cast())
    }

    #[inline]
    fn put(new: &Self, _: Option<&Ref<Old>>, _: &mut Cx<'_>) -> Result<Ref<Old>, TransformError> {
        Ok(new.cast())
    }
}
