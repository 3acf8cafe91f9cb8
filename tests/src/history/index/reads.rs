//! Which version each read saw, and the reads that are wrong by themselves.

use super::{Checked, Index, NONE, Seen};
use crate::history::{Attempt, INITIAL, Op, TxnId, Value, Violation};

impl Index<'_> {
    pub(super) fn resolve_reads(&mut self) {
        let history = self.history;
        // For each chain, what the attempt at hand (by number) last wrote and first saw.
        let mut own: Vec<(u32, Value)> = vec![(NONE, INITIAL); self.chains.len()];
        let mut saw: Vec<(u32, u32)> = vec![(NONE, NONE); self.chains.len()];
        for attempt in history.attempts() {
            let number = attempt.id.0;
            self.seen_begin.push(self.seen.len());
            for at in history.op_range(attempt.id) {
                let chain = self.op_chains[at];
                let (own, saw) = (&mut own[chain as usize], &mut saw[chain as usize]);
                let (object, value) = match history.all_ops()[at] {
                    Op::Write { value, .. } => {
                        *own = (number, value);
                        continue;
                    }
                    Op::Read { object, value } => (object, value),
                };
                if own.0 == number {
                    if own.1 != value {
                        let (reader, wrote) = (*attempt, own.1);
                        let fault =
                            Violation::OwnWriteNotSeen { reader, object, wrote, read: value };
                        self.add_fault(attempt, Box::new(fault));
                    }
                    continue;
                }
                match self.resolve(attempt, chain, value) {
                    Err(fault) => self.add_fault(attempt, fault),
                    Ok(version) if saw.0 != number => {
                        *saw = (number, version);
                        self.seen.push(Seen { chain, version });
                    }
                    Ok(version) if saw.1 != version => {
                        let first = self.version(Seen { chain, version: saw.1 }).value;
                        let reader = *attempt;
                        let fault =
                            Violation::NonRepeatableRead { reader, object, first, second: value };
                        self.add_fault(attempt, Box::new(fault));
                    }
                    Ok(_) => {}
                }
            }
        }
        self.seen_begin.push(self.seen.len());
    }

    /// Finds the version that holds `value`, which `reader` did not write before.
    fn resolve(&self, reader: &Attempt, chain: u32, value: Value) -> Checked<u32> {
        if value == INITIAL {
            return Ok(0);
        }
        let object = self.chains[chain as usize].object;
        let reader = *reader;
        let Some(record) = self.writes.get(&value) else {
            return Err(Box::new(Violation::ThinAir { reader, object, value, writer: None }));
        };
        let writer = *self.history.attempt(TxnId(record.attempt));
        Err(Box::new(if record.chain != chain || writer.id == reader.id {
            Violation::ThinAir { reader, object, value, writer: Some(writer) }
        } else if !writer.outcome.is_committed() {
            Violation::DirtyRead { reader, writer, object, value }
        } else if record.version == NONE {
            Violation::IntermediateRead { reader, writer, object, value }
        } else {
            return Ok(record.version);
        }))
    }

    fn add_fault(&mut self, attempt: &Attempt, fault: Box<Violation>) {
        let committed = attempt.outcome.is_committed();
        if committed && self.committed_fault.is_none() {
            self.committed_fault = Some(fault.clone());
        }
        self.any_fault.get_or_insert(fault);
    }
}
