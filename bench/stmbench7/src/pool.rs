//! Pools of ids: first in, first out.

use std::collections::VecDeque;
use std::sync::Arc;

use upgradable::Upgradable;

/// Ids in the middle of the queue are in pieces of this size.
const PIECE: usize = 256;

/// The free ids of one class of objects, a queue that initially holds `1..=max`.
///
/// What was never used is only counted. What comes back is in pieces that versions of the pool
/// share, so that a clone of a pool with a hundred thousand ids stays small.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.IdPool", version = 1)]
pub(crate) struct IdPool {
    next: u32,
    max: u32,
    /// Taken from its end.
    head: Vec<u32>,
    middle: VecDeque<Arc<[u32]>>,
    tail: Vec<u32>,
}

impl IdPool {
    pub(crate) fn new(max: u32) -> Self {
        Self { next: 1, max, head: Vec::new(), middle: VecDeque::new(), tail: Vec::new() }
    }

    pub(crate) fn take(&mut self) -> Option<u32> {
        if self.next <= self.max {
            self.next += 1;
            return Some(self.next - 1);
        }
        if self.head.is_empty() {
            match self.middle.pop_front() {
                Some(piece) => self.head.extend(piece.iter().rev()),
                None => self.head.extend(self.tail.drain(..).rev()),
            }
        }
        self.head.pop()
    }

    pub(crate) fn give_back(&mut self, id: u32) {
        self.tail.push(id);
        if self.tail.len() == PIECE {
            self.middle.push_back(Arc::from(self.tail.as_slice()));
            self.tail.clear();
        }
    }

    /// The greatest id there is.
    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    /// All free ids, in the order in which they will be taken.
    pub(crate) fn free(&self) -> impl Iterator<Item = u32> {
        (self.next..=self.max)
            .chain(self.head.iter().rev().copied())
            .chain(self.middle.iter().flat_map(|piece| piece.iter().copied()))
            .chain(self.tail.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::{IdPool, PIECE};
    use crate::random::Random;

    #[test]
    fn it_is_a_queue() {
        let max = 5 * PIECE as u32;
        let mut pool = IdPool::new(max);
        let mut queue: VecDeque<u32> = (1..=max).collect();
        let mut taken = Vec::new();
        let mut random = Random::new(1);
        for round in 0..20_000 {
            // Drained and filled in turns.
            if random.draw(10) < if round / 3000 % 2 == 0 { 8 } else { 2 } {
                let id = pool.take();
                assert_eq!(id, queue.pop_front());
                taken.extend(id);
            } else if !taken.is_empty() {
                let id = taken.swap_remove(random.draw(taken.len()));
                pool.give_back(id);
                queue.push_back(id);
            }
        }
        assert!(pool.free().eq(queue));
    }
}
