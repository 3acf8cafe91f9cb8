//! The words of one request.

use std::fmt;

use smallvec::SmallVec;

/// The words of one request, the first being the command's name.
///
/// They lie one after the other in one buffer, which is used again for the next request.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Args {
    bytes: Vec<u8>,
    /// Where each word ends.
    ends: SmallVec<[u32; 8]>,
}

/// What is kept of a buffer that is used again.
const KEPT: usize = 16 << 10;

impl Args {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The bytes of all words together.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// A word, empty if there is none at this place.
    pub(crate) fn at(&self, place: usize) -> &[u8] {
        self.get(place).unwrap_or_default()
    }

    pub(crate) fn get(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends.get(place)? as usize;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        self.bytes.get(start..end)
    }

    /// The words from a place on.
    pub(crate) fn from(&self, place: usize) -> impl ExactSizeIterator<Item = &[u8]> + Clone {
        (place.min(self.len())..self.len()).map(|place| self.at(place))
    }

    /// The words from a place on, two by two; a last one without partner is left out.
    pub(crate) fn pairs_from(&self, place: usize) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        (place..self.len().saturating_sub(1)).step_by(2).map(|at| (self.at(at), self.at(at + 1)))
    }

    /// Whether the word at this place is this keyword, in whatever case.
    pub(crate) fn is(&self, place: usize, keyword: &str) -> bool {
        self.at(place).eq_ignore_ascii_case(keyword.as_bytes())
    }

    pub(crate) fn push(&mut self, word: &[u8]) {
        self.extend_word(word);
        self.end_word();
    }

    /// Adds to the word that has not ended yet.
    pub(crate) fn extend_word(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    pub(crate) fn end_word(&mut self) {
        // A request is limited to less than four gigabytes.
        self.ends.push(self.bytes.len() as u32);
    }

    /// Empties it, and gives back what was only needed for an uncommonly large request.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.ends.clear();
        if self.ends.capacity() > KEPT {
            self.ends = SmallVec::new();
        }
    }
}

impl fmt::Debug for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.from(0).map(String::from_utf8_lossy)).finish()
    }
}

impl<'w> FromIterator<&'w [u8]> for Args {
    fn from_iter<I: IntoIterator<Item = &'w [u8]>>(words: I) -> Self {
        let mut args = Self::default();
        words.into_iter().for_each(|word| args.push(word));
        args
    }
}

#[cfg(test)]
mod tests {
    use super::Args;

    #[test]
    fn words_are_where_they_were_put() {
        let args: Args = [&b"SET"[..], b"", b"one", b"two", b"odd"].into_iter().collect();
        assert_eq!((args.len(), args.size()), (5, 12));
        assert!(args.is(0, "set") && !args.is(0, "se"));
        assert_eq!((args.at(1), args.at(3), args.at(9)), (&b""[..], &b"two"[..], &b""[..]));
        assert_eq!(args.get(5), None);
        assert_eq!(args.from(3).collect::<Vec<_>>(), [&b"two"[..], b"odd"]);
        assert_eq!(args.pairs_from(2).collect::<Vec<_>>(), [(&b"one"[..], &b"two"[..])]);
        assert_eq!(args.from(7).len() + args.pairs_from(7).count(), 0);
    }

    #[test]
    fn a_large_buffer_is_given_back() {
        let mut args: Args = [&vec![0; 1 << 20][..]].into_iter().collect();
        args.clear();
        assert_eq!(args.len(), 0);
        assert!(args.bytes.capacity() < 1 << 16);
    }
}
