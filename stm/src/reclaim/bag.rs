//! Many things in no order, in pieces: to add one moves no others.
//!
//! After an upgrade a log has as many entries as there are objects. In one piece of memory they
//! would be copied each time it becomes too small, by whoever adds the next, in the middle of a
//! transaction.

/// Things in one piece.
const PIECE: usize = if cfg!(any(loom, shuttle)) { 2 } else { 512 };

#[derive(Debug)]
pub(super) struct Bag<T> {
    /// None is empty. All but the last are left alone.
    pieces: Vec<Vec<T>>,
}

impl<T> Default for Bag<T> {
    fn default() -> Self {
        Self { pieces: Vec::new() }
    }
}

impl<T> Bag<T> {
    pub(super) fn push(&mut self, thing: T) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(thing),
            Some(_) => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(thing);
                self.pieces.push(piece);
            }
            None => self.pieces.push(vec![thing]),
        }
    }

    /// Takes out some thing.
    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.pieces.last_mut()?;
        let thing = last.pop();
        if last.is_empty() {
            self.pieces.pop();
        }
        thing
    }

    /// Takes over everything from another one.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.pieces.append(&mut other.pieces);
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.iter().map(Vec::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::{Bag, PIECE};

    #[test]
    fn what_is_put_in_comes_out_once() {
        let (mut bag, mut other) = (Bag::default(), Bag::default());
        (0..3 * PIECE + 1).for_each(|n| bag.push(n));
        (3 * PIECE + 1..4 * PIECE).for_each(|n| other.push(n));
        other.append(&mut bag);
        assert!(bag.is_empty() && bag.pop().is_none());
        other.push(4 * PIECE);
        assert_eq!(other.len(), 4 * PIECE + 1);
        let mut all: Vec<_> = std::iter::from_fn(|| other.pop()).collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..=4 * PIECE));
        assert!(other.is_empty());
    }

    #[test]
    fn to_add_one_moves_a_piece_at_most() {
        let mut bag = Bag::default();
        (0..100 * PIECE).for_each(|n| bag.push(n));
        assert_eq!(bag.pieces.len(), 100);
        assert!(bag.pieces.iter().all(|piece| piece.capacity() == PIECE));
    }
}
