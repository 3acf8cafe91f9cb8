//! A hash of a type's layout, computed by the compiler.

use std::fmt;
use std::mem::{align_of, needs_drop, size_of};

/// What a type looks like, in 128 bits: kind, field names, sizes, alignments, offsets, and the
/// same of what is nested in it.
///
/// Two builds of a type that differ in one field's type differ in their fingerprint, where
/// [`TypeId`](std::any::TypeId) may not. It is a check against mistakes, not against malice.
///
/// ```
/// use upgradable::Upgradable;
///
/// mod yesterday {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Point")]
///     pub struct Point { pub x: u32, pub y: u32 }
/// }
/// mod today {
///     #[derive(upgradable::Upgradable, Clone)]
///     #[upgrade(name = "doc.Point")]
///     pub struct Point { pub x: u32, pub y: f32 }
/// }
/// assert_ne!(yesterday::Point::FINGERPRINT, today::Point::FINGERPRINT);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// The fingerprint with these bits, as read back from storage.
    ///
    /// ```
    /// use upgradable::Fingerprint;
    ///
    /// assert_eq!(Fingerprint::from_bits(7).to_bits(), 7);
    /// ```
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits, for storage.
    #[must_use]
    pub const fn to_bits(self) -> u128 {
        self.0
    }

    /// `==` for constants.
    ///
    /// ```
    /// use upgradable::{Fingerprint, Shape};
    ///
    /// const SAME: bool = <Vec<u32>>::SHAPE.same_as(<Vec<u32>>::SHAPE);
    /// assert!(SAME);
    /// ```
    #[must_use]
    pub const fn same_as(self, other: Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({:032x})", self.0)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Builds a [`Fingerprint`] in a constant; FNV-1a over tagged, length-prefixed parts.
///
/// The derive writes this. A hand-written [`Upgradable`](crate::Upgradable) does it itself:
///
/// ```
/// use upgradable::{Fingerprint, FingerprintBuilder, Shape};
/// use std::mem::offset_of;
///
/// struct Point { x: u32, y: u32 }
/// const POINT: Fingerprint = FingerprintBuilder::structure::<Point>()
///     .field::<u32>("x", offset_of!(Point, x), <u32 as Shape>::SHAPE)
///     .field::<u32>("y", offset_of!(Point, y), <u32 as Shape>::SHAPE)
///     .finish();
/// # let _ = (Point { x: 1, y: 2 }.x, Point { x: 1, y: 2 }.y);
/// assert_eq!(POINT.to_string().len(), 32);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `finish`"]
pub struct FingerprintBuilder(u128);

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// Tags keep parts apart: a field named like a variant does not count as one.
#[derive(Clone, Copy)]
enum Tag {
    Structure = 1,
    Enumeration = 2,
    Field = 3,
    Variant = 4,
    Nested = 5,
    Opaque = 6,
    Argument = 7,
    Layout = 8,
    Named = 9,
    Number = 10,
}

impl FingerprintBuilder {
    /// Begins the fingerprint of a struct.
    pub const fn structure<T>() -> Self {
        Self(OFFSET_BASIS).tag(Tag::Structure).layout::<T>()
    }

    /// Begins the fingerprint of an enum. Offsets within variants are not known on stable Rust
    /// and stay out.
    pub const fn enumeration<T>() -> Self {
        Self(OFFSET_BASIS).tag(Tag::Enumeration).layout::<T>()
    }

    /// Begins the fingerprint of something known by name: a primitive, a container.
    ///
    /// ```
    /// use upgradable::FingerprintBuilder;
    ///
    /// struct Metres(#[allow(dead_code)] f64);
    /// let outline = FingerprintBuilder::named::<Metres>("Metres").finish();
    /// assert_ne!(outline, FingerprintBuilder::named::<Metres>("Feet").finish());
    /// ```
    pub const fn named<T>(name: &str) -> Self {
        Self(OFFSET_BASIS).tag(Tag::Named).text(name).layout::<T>()
    }

    /// Adds a field and what is nested in it. The offset is `0` in an enum.
    pub const fn field<F>(self, name: &str, offset: usize, nested: Fingerprint) -> Self {
        self.tag(Tag::Field).text(name).number(offset as u128).layout::<F>().nested(nested)
    }

    /// Adds a variant; the fields that follow are its fields.
    pub const fn variant(self, name: &str) -> Self {
        self.tag(Tag::Variant).text(name)
    }

    /// Adds a nested fingerprint.
    pub const fn nested(self, nested: Fingerprint) -> Self {
        self.tag(Tag::Nested).word(nested.0)
    }

    /// Adds a number, such as a version or an array's length.
    pub const fn count(self, number: u128) -> Self {
        self.tag(Tag::Number).word(number)
    }

    /// The fingerprint.
    #[must_use]
    pub const fn finish(self) -> Fingerprint {
        Fingerprint(self.0)
    }

    /// Begins the fingerprint of a type that says nothing about itself: how it is written, and
    /// its layout.
    pub(crate) const fn opaque<T>(written: &str) -> Self {
        Self(OFFSET_BASIS).tag(Tag::Opaque).text(written).layout::<T>()
    }

    /// Adds a type argument of an opaque type.
    pub(crate) const fn argument(self, outline: Fingerprint) -> Self {
        self.tag(Tag::Argument).word(outline.0)
    }

    const fn layout<T>(self) -> Self {
        self.tag(Tag::Layout)
            .number(size_of::<T>() as u128)
            .number(align_of::<T>() as u128)
            .byte(needs_drop::<T>() as u8)
    }

    const fn tag(self, tag: Tag) -> Self {
        self.byte(tag as u8)
    }

    const fn text(self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut hash = self.number(bytes.len() as u128);
        let mut at = 0;
        while at < bytes.len() {
            hash = hash.byte(bytes[at]);
            at += 1;
        }
        hash
    }

    /// Sizes and offsets: eight bytes, little end first, on every target.
    const fn number(self, number: u128) -> Self {
        self.bytes_of(number, 8)
    }

    const fn word(self, word: u128) -> Self {
        self.bytes_of(word, 16)
    }

    const fn bytes_of(self, number: u128, count: u32) -> Self {
        let mut hash = self;
        let mut at = 0;
        while at < count {
            hash = hash.byte(((number >> (8 * at)) & 0xff) as u8);
            at += 1;
        }
        hash
    }

    const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u128).wrapping_mul(PRIME))
    }
}

#[cfg(test)]
mod tests {
    use super::{FingerprintBuilder, OFFSET_BASIS};

    #[test]
    fn bytes_follow_the_published_vectors() {
        // From the FNV reference: the 128-bit FNV-1a of "a" and of "foobar".
        let of = |text: &str| {
            text.bytes().fold(FingerprintBuilder(OFFSET_BASIS), FingerprintBuilder::byte).0
        };
        assert_eq!(of("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
        assert_eq!(of("foobar"), 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
    }

    #[test]
    fn layouts_count() {
        let nested = FingerprintBuilder::named::<()>("").finish();
        let base = FingerprintBuilder::structure::<[u8; 8]>().field::<u8>("a", 0, nested);
        let others = [
            FingerprintBuilder::structure::<[u8; 9]>().field::<u8>("a", 0, nested),
            FingerprintBuilder::structure::<u64>().field::<u8>("a", 0, nested),
            FingerprintBuilder::structure::<[u8; 8]>().field::<u8>("a", 1, nested),
            FingerprintBuilder::structure::<[u8; 8]>().field::<u16>("a", 0, nested),
            FingerprintBuilder::structure::<[u8; 8]>().field::<u8>("b", 0, nested),
            FingerprintBuilder::structure::<[u8; 8]>().field::<u8>("a", 0, base.finish()),
            FingerprintBuilder::enumeration::<[u8; 8]>().field::<u8>("a", 0, nested),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(base.finish(), other.finish(), "number {at}");
        }
        let owned = FingerprintBuilder::named::<Box<u8>>("pointer").finish();
        let borrowed = FingerprintBuilder::named::<&u8>("pointer").finish();
        assert_ne!(owned, borrowed, "only one of them is dropped");
    }

    #[test]
    fn parts_do_not_run_together() {
        let one = FingerprintBuilder::named::<u8>("ab").variant("c").finish();
        let two = FingerprintBuilder::named::<u8>("a").variant("bc").finish();
        let three = FingerprintBuilder::named::<u8>("ab").count(0).finish();
        assert_ne!(one, two);
        assert_ne!(one, three);
    }
}
