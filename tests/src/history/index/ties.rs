//! Updates that share a timestamp: the order of their versions, and of themselves.

use std::ops::Range;

use super::{Checked, Index, Seen};
use crate::history::{Malformed, Op, TxnId, Value, Violation};

impl Index<'_> {
    /// Where in `updates` several share a timestamp.
    pub(crate) fn ties(&self) -> &[Range<usize>] {
        &self.ties
    }

    /// Puts the updates into another order, which differs only among those that share a timestamp.
    pub(crate) fn reorder(&mut self, updates: Vec<TxnId>) {
        self.updates = updates;
        for at in self.ties.clone().into_iter().flatten() {
            let (id, place) = (self.updates[at], at as u32 + 1);
            self.places[id.index()] = place;
            for Seen { chain, version } in self.made(id).collect::<Vec<_>>() {
                self.chains[chain as usize].versions[version as usize].place = place;
            }
        }
    }

    /// Puts versions whose writers share a timestamp into the order in which they replaced each
    /// other, as far as that follows from what the writers had read.
    ///
    /// # Errors
    ///
    /// When it does not follow, and is not stated either.
    pub(super) fn order_tied_versions(&mut self) -> Checked {
        for tie in self.ties.clone() {
            let ids = &self.updates[tie];
            let mut made: Vec<_> = ids.iter().flat_map(|&id| self.made(id)).collect();
            made.sort_unstable_by_key(|made| (made.chain, made.version));
            // The places of a tie follow each other, so its versions in a chain do.
            for run in made.chunk_by(|a, b| a.chain == b.chain) {
                if let [first, .., last] = *run {
                    self.order_run(first.chain, first.version as usize..=last.version as usize)?;
                }
            }
        }
        Ok(())
    }

    fn order_run(&mut self, c: u32, run: std::ops::RangeInclusive<usize>) -> Checked {
        let chain = &self.chains[c as usize];
        let mut below = chain.versions[run.start() - 1].value; // before the first write: initial
        let mut left: Vec<_> = chain.versions[run.clone()].to_vec();
        let read = |writer: u32| self.read_before_writing(TxnId(writer), c);
        let blind: Vec<_> = left.iter().filter(|version| read(version.writer).is_none()).collect();
        if let [first, second, ..] = *blind
            && self.history.version_order(chain.object).is_none()
        {
            let [first, second] = [first, second].map(|v| *self.history.attempt(TxnId(v.writer)));
            let why = Malformed::SharedTimestamp { object: chain.object, first, second };
            return Err(Box::new(Violation::Malformed(why)));
        }
        let mut ordered = Vec::with_capacity(left.len());
        // Who had read a version replaced that one; who had read none comes after those.
        while let Some(next) = (left.iter().position(|v| read(v.writer) == Some(below)))
            .or_else(|| left.iter().position(|v| read(v.writer).is_none()))
        {
            below = left[next].value;
            ordered.push(left.remove(next));
        }
        // What is left contradicts itself in any order.
        ordered.append(&mut left);
        for (v, version) in run.zip(ordered) {
            let record = self.writes.get_mut(&version.value).expect("every write was collected");
            record.version = v as u32;
            self.chains[c as usize].versions[v] = version;
        }
        Ok(())
    }

    /// What an update was given when it read the object before it wrote it, if it did.
    fn read_before_writing(&self, id: TxnId, chain: u32) -> Option<Value> {
        let at = self.history.op_range(id).find(|&at| self.op_chains[at] == chain)?;
        match self.history.all_ops()[at] {
            Op::Read { value, .. } => Some(value),
            Op::Write { .. } => None,
        }
    }
}
