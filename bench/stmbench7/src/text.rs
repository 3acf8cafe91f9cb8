//! Long texts, in shared pieces: a version of a document that differs in one letter shares all
//! other pieces with the version before it.

use std::sync::Arc;

use crate::hash::Fnv;

/// Bytes of a piece: copying one costs little. With the counts that go with it, it fills a block of an
/// allocator.
const PIECE: usize = 4096 - 16;
/// Bytes of a piece of a long text, so that a megabyte has few.
const LONG_PIECE: usize = 4 * 4096 - 16;
/// From here on a text is long.
const LONG: usize = 64 * 4096;

/// A text. Cloning it copies pointers to its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    /// None of them is empty. The first is longer than any prefix that is ever asked for.
    pieces: Vec<Arc<Vec<u8>>>,
}

impl Text {
    /// The pattern, as often as it fits entirely into `size` characters.
    pub(crate) fn repeated(pattern: &str, size: usize) -> Self {
        let whole = pattern.repeat(size / pattern.len());
        let piece = if whole.len() < LONG { PIECE } else { LONG_PIECE };
        let pieces = whole.as_bytes().chunks(piece).map(|piece| Arc::new(piece.to_vec()));
        Self { pieces: pieces.collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.iter().map(|piece| piece.len()).sum()
    }

    pub(crate) fn count(&self, letter: u8) -> usize {
        self.pieces.iter().map(|piece| memchr::memchr_iter(letter, piece).count()).sum()
    }

    pub(crate) fn first(&self) -> Option<u8> {
        self.pieces.first()?.first().copied()
    }

    pub(crate) fn last(&self) -> Option<u8> {
        self.pieces.last()?.last().copied()
    }

    pub(crate) fn starts_with(&self, prefix: &str) -> bool {
        let mut rest = prefix.as_bytes();
        for piece in &self.pieces {
            let common = rest.len().min(piece.len());
            if piece[..common] != rest[..common] {
                return false;
            }
            rest = &rest[common..];
        }
        rest.is_empty()
    }

    /// Puts another prefix in the place of this one, if it is there. Only the first piece is
    /// written.
    pub(crate) fn replace_prefix(&mut self, old: &str, new: &str) -> bool {
        let Some(first) = self.pieces.first_mut() else { return false };
        let Some(rest) = first.strip_prefix(old.as_bytes()) else { return false };
        *first = Arc::new([new.as_bytes(), rest].concat());
        true
    }

    /// Replaces one letter by another everywhere, and counts how often the other one is there
    /// then. Pieces that nobody shares are written in place.
    pub(crate) fn replace_letter(&mut self, old: u8, new: u8) -> usize {
        let replaced = |&byte: &u8| if byte == old { new } else { byte };
        let mut count = 0;
        for piece in &mut self.pieces {
            if memchr::memchr(old, piece).is_some() {
                match Arc::get_mut(piece) {
                    Some(own) => own.iter_mut().for_each(|byte| *byte = replaced(byte)),
                    // One pass from there to here, which the compiler vectorises.
                    None => *piece = Arc::new(piece.iter().map(replaced).collect()),
                }
            }
            count += memchr::memchr_iter(new, piece).count();
        }
        count
    }

    pub(crate) fn feed(&self, hash: &mut Fnv) {
        let bytes = self.pieces.iter().flat_map(|piece| piece.iter());
        bytes.for_each(|&byte| hash.feed(i32::from(byte)));
    }

    /// The whole text as bytes, for comparisons.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn the_pattern_fits_entirely() {
        let text = Text::repeated("I am\n", 12);
        assert_eq!(text.bytes(), b"I am\nI am\n");
        assert_eq!((text.len(), text.count(b'I')), (10, 2));
        assert_eq!((text.first(), text.last()), (Some(b'I'), Some(b'\n')));
    }

    #[test]
    fn a_changed_prefix_leaves_the_other_pieces_shared() {
        let old = Text::repeated("I am the text\n", 10_000);
        let mut new = old.clone();
        assert!(new.replace_prefix("I am", "This is"));
        assert!(!new.replace_prefix("I am", "This is"), "only the first one");
        assert!(new.starts_with("This is the text\nI am"));
        assert_eq!(new.len(), old.len() + 3);
        let shared = |i: usize| std::sync::Arc::ptr_eq(&old.pieces[i], &new.pieces[i]);
        assert!(!shared(0) && (1..old.pieces.len()).all(shared));
    }

    #[test]
    fn letters_change_in_this_text_only() {
        let old = Text::repeated("I am the text\n", 10_000);
        let mut new = old.clone();
        assert_eq!(new.replace_letter(b'I', b'i'), old.count(b'I'));
        assert_eq!((new.count(b'I'), new.count(b'i')), (0, old.count(b'I')));
        assert_eq!(old.count(b'i'), 0);
        assert_eq!(new.replace_letter(b'q', b'm'), old.count(b'm'));
        assert_eq!(new.replace_letter(b'i', b'I'), old.count(b'I'));
        assert_eq!(new, old);
    }
}
