//! Commit timestamps: an era and a sequence number in one word.

use std::fmt;

/// A generation of the program that uses the heap. This crate gives it no meaning beyond order.
///
/// ```
/// use upgradable_stm::Era;
/// assert_eq!(Era::FIRST.next(), Some(Era::new(1).unwrap()));
/// assert_eq!(Era::LAST.next(), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Era(u16);

impl Era {
    const BITS: u32 = 12;
    /// The era in which every domain begins.
    pub const FIRST: Self = Self(0);
    /// The last era there can be: a domain in it refuses to advance.
    pub const LAST: Self = Self((1 << Self::BITS) - 1);

    /// The era with this number, or `None` past [`Era::LAST`].
    ///
    /// ```
    /// # use upgradable_stm::Era;
    /// assert_eq!(Era::new(7).unwrap().get(), 7);
    /// assert_eq!(Era::new(4096), None);
    /// ```
    #[must_use]
    #[inline]
    pub const fn new(number: u16) -> Option<Self> {
        if number <= Self::LAST.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    ///
    /// ```
    /// assert_eq!(upgradable_stm::Era::FIRST.get(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The next era, or `None` after the last.
    ///
    /// ```
    /// assert!(upgradable_stm::Era::FIRST.next().is_some());
    /// ```
    #[must_use]
    #[inline]
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0 + 1)
    }
}

impl fmt::Debug for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Era({})", self.0)
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A sequence number within an era.
///
/// ```
/// use upgradable_stm::Seq;
/// assert!(Seq::new(3).unwrap() < Seq::MAX);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    const BITS: u32 = 51;
    /// The number of the flip itself: nothing else commits at it.
    pub const ZERO: Self = Self(0);
    /// The instant just before the next era. The clock never gives it out; late commits use it.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);
    /// Past this the clock moves to a new era. The distance to [`Seq::MAX`] is room for the
    /// commits that are under way meanwhile: one a thread.
    pub(crate) const SOFT_LIMIT: Self = Self(Self::MAX.0 - (1 << 32));

    /// The sequence number, or `None` past [`Seq::MAX`].
    ///
    /// ```
    /// # use upgradable_stm::Seq;
    /// assert_eq!(Seq::new(1).unwrap().get(), 1);
    /// assert_eq!(Seq::new(u64::MAX), None);
    /// ```
    #[must_use]
    #[inline]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    ///
    /// ```
    /// assert_eq!(upgradable_stm::Seq::ZERO.get(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX { f.write_str("Seq(MAX)") } else { write!(f, "Seq({})", self.0) }
    }
}

/// The instant of a commit: `(Era, Seq)` in one word, ordered by era, then by sequence.
///
/// Twelve bits of era and fifty-one of sequence; the topmost bit is never set, so that an
/// announcement of a snapshot has room for a flag. At ten million commits a second a sequence
/// lasts seven years; the clock then begins a new era by itself.
///
/// ```
/// use upgradable_stm::{CommitTs, Era, Seq};
/// let before = CommitTs::new(Era::FIRST, Seq::MAX);
/// let flip = CommitTs::new(Era::new(1).unwrap(), Seq::ZERO);
/// assert!(before < flip);
/// assert_eq!(flip.era(), Era::new(1).unwrap());
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitTs(u64);

impl CommitTs {
    /// The instant before every commit.
    pub const ZERO: Self = Self(0);
    /// Later than every instant.
    pub const NEVER: Self = Self(u64::MAX >> 1);

    /// The instant `seq` of `era`.
    ///
    /// ```
    /// # use upgradable_stm::{CommitTs, Era, Seq};
    /// assert_eq!(CommitTs::new(Era::FIRST, Seq::ZERO), CommitTs::ZERO);
    /// ```
    #[must_use]
    #[inline]
    pub const fn new(era: Era, seq: Seq) -> Self {
        Self((era.0 as u64) << Seq::BITS | seq.0)
    }

    /// The era.
    ///
    /// ```
    /// # use upgradable_stm::{CommitTs, Era};
    /// assert_eq!(CommitTs::ZERO.era(), Era::FIRST);
    /// ```
    #[must_use]
    #[inline]
    pub const fn era(self) -> Era {
        Era((self.0 >> Seq::BITS) as u16)
    }

    /// The sequence number within the era.
    ///
    /// ```
    /// # use upgradable_stm::{CommitTs, Seq};
    /// assert_eq!(CommitTs::ZERO.seq(), Seq::ZERO);
    /// ```
    #[must_use]
    #[inline]
    pub const fn seq(self) -> Seq {
        Seq(self.0 & Seq::MAX.0)
    }

    /// The word itself, for tables and logs.
    ///
    /// ```
    /// # use upgradable_stm::CommitTs;
    /// assert_eq!(CommitTs::ZERO.to_bits(), 0);
    /// ```
    #[must_use]
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The timestamp that [`to_bits`](Self::to_bits) turned into this word; of a word that is none,
    /// [`NEVER`](Self::NEVER).
    ///
    /// ```
    /// # use upgradable_stm::CommitTs;
    /// assert_eq!(CommitTs::from_bits(CommitTs::ZERO.to_bits()), CommitTs::ZERO);
    /// assert_eq!(CommitTs::from_bits(u64::MAX), CommitTs::NEVER);
    /// ```
    #[must_use]
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        if bits < Self::NEVER.0 { Self(bits) } else { Self::NEVER }
    }

    /// [`from_bits`](Self::from_bits) for words that are known to be timestamps.
    #[inline(always)]
    pub(crate) const fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The latest instant of this era: just before the next flip.
    ///
    /// ```
    /// # use upgradable_stm::CommitTs;
    /// let domain = upgradable_stm::Domain::new();
    /// let end = domain.now().end_of_era();
    /// assert_eq!(domain.advance_era(|_| {}).unwrap().before.at(), end);
    /// ```
    #[must_use]
    #[inline]
    pub const fn end_of_era(self) -> Self {
        Self(self.0 | Seq::MAX.0)
    }
}

impl fmt::Debug for CommitTs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for CommitTs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seq() == Seq::MAX {
            write!(f, "{}.MAX", self.era())
        } else {
            write!(f, "{}.{}", self.era(), self.seq().0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_orders_by_era_then_sequence_and_leaves_the_top_bit_clear() {
        let last = CommitTs::new(Era::LAST, Seq::MAX);
        assert_eq!(last.to_bits() >> 63, 0);
        assert_eq!((last.era(), last.seq()), (Era::LAST, Seq::MAX));
        let early = CommitTs::new(Era::FIRST, Seq::MAX);
        let late = CommitTs::new(Era::new(1).unwrap(), Seq::ZERO);
        assert!(early < late);
        assert_eq!(early.to_bits() + 1, late.to_bits());
        assert!(Seq::SOFT_LIMIT < Seq::MAX);
    }
}
