//! What every part of the checker needs to know about a history, worked out once.
//!
//! An index knows the versions of each object in their order, and for each attempt which versions
//! it read. Finding these is also where reads that are wrong by themselves show up (thin air,
//! dirty, intermediate and so on); they are kept as *read faults*.
//!
//! A *place* is the number of updates that a version, or a reader, stands behind in the order of
//! the timestamps: initial versions have place 0, those of the first update place 1, and so on.

use std::ops::Range;

use super::{
    Attempt, Dependency, History, INITIAL, Malformed, ObjectId, Op, TxnId, Value, Violation,
};

mod number_map;
mod reads;
mod ties;

use number_map::NumberMap;

/// Marks an absent writer, version or place.
const NONE: u32 = u32::MAX;

/// What the checkers return: the evidence is boxed, since there usually is none.
pub(crate) type Checked<T = ()> = Result<T, Box<Violation>>;

/// A committed value of an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version {
    pub(crate) value: Value,
    pub(crate) place: u32,
    writer: u32,
}

impl Version {
    const FIRST: Self = Self { value: INITIAL, place: 0, writer: NONE };

    /// Who wrote it; nobody wrote the initial one.
    pub(crate) fn writer(&self) -> Option<TxnId> {
        (self.writer != NONE).then_some(TxnId(self.writer))
    }
}

/// The versions of one object, oldest first; the first is the initial one.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) object: ObjectId,
    pub(crate) versions: Vec<Version>,
}

/// A version that an attempt read and had not written itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) chain: u32,
    pub(crate) version: u32,
}

/// A write, as its value finds it.
#[derive(Clone, Copy, Debug)]
struct WriteRecord {
    attempt: u32,
    chain: u32,
    /// [`NONE`] unless the write made a version.
    version: u32,
}

/// Which attempts a check looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Committed ones: strict serializability.
    Committed,
    /// All of them: opacity.
    All,
}

impl Scope {
    pub(crate) fn includes(self, attempt: &Attempt) -> bool {
        self == Self::All || attempt.outcome.is_committed()
    }
}

/// See the [module](self) documentation.
#[derive(Debug)]
pub(crate) struct Index<'h> {
    pub(crate) history: &'h History,
    /// Committed updates by timestamp; the update at index `i` has place `i + 1`.
    pub(crate) updates: Vec<TxnId>,
    /// Where in `updates` several share a timestamp.
    ties: Vec<Range<usize>>,
    pub(crate) chains: Vec<Chain>,
    chain_of: NumberMap<ObjectId, u32>,
    /// For each attempt its place as an update, or [`NONE`].
    places: Vec<u32>,
    /// For each operation the chain of its object.
    op_chains: Vec<u32>,
    writes: NumberMap<Value, WriteRecord>,
    /// What each attempt saw; those of attempt `i` begin at `seen_begin[i]`.
    seen: Vec<Seen>,
    seen_begin: Vec<usize>,
    /// The first read fault of an attempt that committed, and of any.
    committed_fault: Option<Box<Violation>>,
    any_fault: Option<Box<Violation>>,
}

impl<'h> Index<'h> {
    /// Works out versions and reads.
    ///
    /// # Errors
    ///
    /// When the history is malformed or a commit timestamp was used twice.
    pub(crate) fn new(history: &'h History) -> Checked<Self> {
        let mut index = Self {
            history,
            updates: Vec::new(),
            ties: Vec::new(),
            chains: Vec::new(),
            chain_of: NumberMap::default(),
            places: vec![NONE; history.attempts().len()],
            op_chains: Vec::with_capacity(history.all_ops().len()),
            writes: NumberMap::default(),
            seen: Vec::new(),
            seen_begin: Vec::with_capacity(history.attempts().len() + 1),
            committed_fault: None,
            any_fault: None,
        };
        index.name_chains();
        index.collect_writes()?;
        index.order_updates()?;
        index.make_versions();
        index.order_tied_versions()?;
        index.apply_stated_orders()?;
        index.resolve_reads();
        Ok(index)
    }

    /// The read fault that concerns `scope`, if there is one.
    ///
    /// # Errors
    ///
    /// That fault.
    pub(crate) fn reads_are_sound(&self, scope: Scope) -> Checked {
        let fault = match scope {
            Scope::Committed => &self.committed_fault,
            Scope::All => &self.any_fault,
        };
        fault.as_ref().map_or(Ok(()), |fault| Err(fault.clone()))
    }

    /// The place of an attempt that committed as an update.
    pub(crate) fn place(&self, id: TxnId) -> Option<u32> {
        let place = self.places[id.index()];
        (place != NONE).then_some(place)
    }

    /// The update at `place`.
    pub(crate) fn update_at(&self, place: u32) -> TxnId {
        self.updates[place as usize - 1]
    }

    /// The versions that the attempt read and had not written itself; each of them once.
    pub(crate) fn seen(&self, id: TxnId) -> &[Seen] {
        &self.seen[self.seen_begin[id.index()]..self.seen_begin[id.index() + 1]]
    }

    pub(crate) fn version(&self, seen: Seen) -> &Version {
        &self.chains[seen.chain as usize].versions[seen.version as usize]
    }

    /// The version that replaced this one.
    pub(crate) fn next_version(&self, seen: Seen) -> Option<&Version> {
        self.chains[seen.chain as usize].versions.get(seen.version as usize + 1)
    }

    /// The versions that the attempt made.
    pub(crate) fn made(&self, id: TxnId) -> impl Iterator<Item = Seen> + '_ {
        self.history.ops(id).iter().filter_map(|op| match *op {
            Op::Write { value, .. } => {
                let WriteRecord { chain, version, .. } = self.writes[&value];
                (version != NONE).then_some(Seen { chain, version })
            }
            Op::Read { .. } => None,
        })
    }

    fn object(&self, seen: Seen) -> ObjectId {
        self.chains[seen.chain as usize].object
    }

    /// `older` was replaced by `newer`.
    pub(crate) fn write_write(&self, older: Seen, newer: &Version) -> Dependency {
        let old = self.version(older).value;
        Dependency::WriteWrite { object: self.object(older), old, new: newer.value }
    }

    /// `seen` was written and read.
    pub(crate) fn write_read(&self, seen: Seen) -> Dependency {
        Dependency::WriteRead { object: self.object(seen), value: self.version(seen).value }
    }

    /// `seen` was read, and replaced by `newer`.
    pub(crate) fn read_write(&self, seen: Seen, newer: &Version) -> Dependency {
        let read = self.version(seen).value;
        Dependency::ReadWrite { object: self.object(seen), read, new: newer.value }
    }

    fn name_chains(&mut self) {
        for op in self.history.all_ops() {
            let next = self.chains.len() as u32;
            let chain = *self.chain_of.entry(op.object()).or_insert(next);
            if chain == next {
                let versions = vec![Version::FIRST];
                self.chains.push(Chain { object: op.object(), versions });
            }
            self.op_chains.push(chain);
        }
    }

    fn collect_writes(&mut self) -> Checked {
        let history = self.history;
        let malformed = |why| Err(Box::new(Violation::Malformed(why)));
        for attempt in history.attempts() {
            if attempt.end < attempt.begin {
                return malformed(Malformed::EndsBeforeBegin(*attempt));
            }
            for at in history.op_range(attempt.id) {
                let Op::Write { object, value } = history.all_ops()[at] else { continue };
                if value == INITIAL {
                    return malformed(Malformed::WroteInitial { writer: *attempt, object });
                }
                if attempt.outcome.is_read_only() {
                    return malformed(Malformed::ReadOnlyWrote(*attempt));
                }
                let (chain, attempt_number) = (self.op_chains[at], attempt.id.0);
                let record = WriteRecord { attempt: attempt_number, chain, version: NONE };
                if let Some(other) = self.writes.insert(value, record) {
                    let first = *history.attempt(TxnId(other.attempt));
                    let second = *attempt;
                    return malformed(Malformed::ValueWrittenTwice { value, first, second });
                }
            }
        }
        Ok(())
    }

    fn order_updates(&mut self) -> Checked {
        let attempts = self.history.attempts();
        let mut updates: Vec<_> = attempts
            .iter()
            .filter_map(|attempt| Some((attempt.outcome.commit_ts()?, attempt.id)))
            .collect();
        updates.sort_unstable();
        let mut begin = 0;
        for same in updates.chunk_by(|a, b| a.0 == b.0) {
            let end = begin + same.len();
            if let [(ts, first), (_, second), ..] = *same {
                // Whoever did not commit late claims the timestamp for itself.
                let attempt = |id: TxnId| *self.history.attempt(id);
                let alone = same.iter().find(|(_, id)| !attempt(*id).outcome.is_late());
                if let Some(&(_, alone)) = alone {
                    let other = if alone == first { second } else { first };
                    let (first, second) = (attempt(alone.min(other)), attempt(alone.max(other)));
                    return Err(Box::new(Violation::DuplicateTimestamp { ts, first, second }));
                }
                self.ties.push(begin..end);
            }
            begin = end;
        }
        self.updates = updates.into_iter().map(|(_, id)| id).collect();
        for (i, id) in self.updates.iter().enumerate() {
            self.places[id.index()] = i as u32 + 1;
        }
        Ok(())
    }

    /// Appends the last write of each update to each object, in timestamp order.
    fn make_versions(&mut self) {
        // The place of the update that last wrote each chain, to find repeated writes.
        let mut written_at = vec![0_u32; self.chains.len()];
        for (i, &id) in self.updates.iter().enumerate() {
            let place = i as u32 + 1;
            // Backwards, so that the first write met for an object is the last one made.
            for at in self.history.op_range(id).rev() {
                let Op::Write { value, .. } = self.history.all_ops()[at] else { continue };
                let chain = self.op_chains[at] as usize;
                if std::mem::replace(&mut written_at[chain], place) != place {
                    let versions = &mut self.chains[chain].versions;
                    let record = self.writes.get_mut(&value).expect("every write was collected");
                    record.version = versions.len() as u32;
                    versions.push(Version { value, place, writer: id.0 });
                }
            }
        }
    }

    fn apply_stated_orders(&mut self) -> Checked {
        for (&object, values) in self.history.version_orders() {
            let wrong = || Box::new(Violation::Malformed(Malformed::VersionOrder { object }));
            let Some(&c) = self.chain_of.get(&object) else {
                if values.is_empty() {
                    continue;
                }
                return Err(wrong());
            };
            let found = &self.chains[c as usize].versions;
            let mut versions = vec![Version::FIRST];
            for value in values {
                let record = self.writes.get(value).copied().ok_or_else(wrong)?;
                if record.chain != c || record.version == NONE {
                    return Err(wrong());
                }
                versions.push(found[record.version as usize]);
            }
            // As many as there are and no two alike is all of them.
            let mut distinct = values.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if versions.len() != found.len() || distinct.len() != values.len() {
                return Err(wrong());
            }
            self.chains[c as usize].versions = versions;
            for (v, value) in values.iter().enumerate() {
                self.writes.get_mut(value).expect("looked up above").version = v as u32 + 1;
            }
        }
        Ok(())
    }
}
