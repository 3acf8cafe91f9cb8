//! Everything in a structure as a few numbers, to compare two of them by.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::backend::{AtomicByDate, AtomicById, CompositeById, DocumentByTitle, Read, Stop, all};
use crate::fingerprint::structure_hash;
use crate::hash::Fnv;
use crate::id::Id;
use crate::pool::IdPool;
use crate::schema::{Atomic, Connection, Design, Document, Manual, Module, Schema, Wiring};
use crate::text::Text;

/// Numbers that differ when structures do, each over one part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    /// The hash H of the specification.
    pub(crate) structure: u64,
    /// Texts and titles.
    texts: u64,
    /// Incoming connections, which H leaves out.
    incoming: u64,
    /// The index by date.
    dates: u64,
    /// Free ids, in order.
    pools: u64,
    /// What only this version of the types keeps.
    surveys: u64,
}

impl Digest {
    /// Without what only one version of the types keeps.
    pub(crate) fn apart_from_surveys(self) -> Self {
        Self { surveys: 0, ..self }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { structure, texts, incoming, dates, pools, surveys } = self;
        write!(
            f,
            "structure {structure:016x} texts {texts:016x} incoming {incoming:016x} \
             dates {dates:016x} pools {pools:016x} surveys {surveys:016x}"
        )
    }
}

pub(crate) fn digest<S: Schema, X: Read<S>>(tx: &X) -> Result<Digest, X::Error> {
    match compute(tx) {
        Ok(digest) => Ok(digest),
        Err(Stop::Broken(error)) => Err(error),
        Err(Stop::Failed) => unreachable!("nothing in here fails"),
    }
}

/// What each composite part remembers, by its id.
pub(crate) fn surveys<S: Schema, X: Read<S>>(tx: &X) -> Result<FxHashMap<u32, i32>, X::Error> {
    let mut surveys = FxHashMap::default();
    let (from, to) = all();
    tx.scan::<CompositeById, X::Error>(from, to, |&number, composite| {
        surveys.insert(number, S::survey(tx, composite)?);
        Ok(())
    })?;
    Ok(surveys)
}

fn feed_text(hash: &mut Fnv, text: &Text) {
    hash.feed_id(text.len() as u32);
    text.feed(hash);
}

fn compute<S: Schema, X: Read<S>>(tx: &X) -> Result<Digest, Stop<X::Error>> {
    let mut texts = Fnv::new();
    let (from, to) = all();
    tx.scan::<DocumentByTitle, Stop<_>>(from, to, |title, id| {
        let letters = title.iter().flat_map(|letters| letters.to_be_bytes());
        letters.for_each(|letter| texts.feed(i32::from(letter)));
        texts.feed_id(tx.read(id)?.id());
        S::read_text(tx, id, |text| feed_text(&mut texts, text))?;
        Ok(())
    })?;
    let manual = tx.read(tx.roots().module)?.manual();
    feed_text(&mut texts, tx.read(manual)?.text());

    let mut incoming = Fnv::new();
    let (from, to) = all();
    tx.scan::<AtomicById, Stop<_>>(from, to, |_, part| {
        let wiring = tx.read(part)?.wiring();
        for Connection { other, kind, length } in tx.read(wiring)?.incoming() {
            incoming.feed_id(tx.read(other)?.id());
            incoming.feed(i32::from(kind));
            incoming.feed(length);
        }
        Ok(())
    })?;

    let mut dates = Fnv::new();
    let (from, to) = all();
    tx.scan::<AtomicByDate, Stop<_>>(from, to, |&(date, id), part| {
        dates.feed(date);
        dates.feed_id(id);
        dates.feed_id(tx.read(part)?.id());
        Ok(())
    })?;

    let pools = tx.roots().pools;
    let mut free = Fnv::new();
    let all_pools: [Id<IdPool>; 5] =
        [pools.composites, pools.documents, pools.atomics, pools.bases, pools.complexes];
    for pool in all_pools {
        let pool = tx.read(pool)?;
        free.feed_id(pool.free().count() as u32);
        pool.free().for_each(|id| free.feed_id(id));
    }

    let mut surveys = Fnv::new();
    let (from, to) = all();
    tx.scan::<CompositeById, Stop<_>>(from, to, |_, composite| {
        surveys.feed(S::survey(tx, composite)?);
        Ok(())
    })?;
    Ok(Digest {
        structure: structure_hash(tx)?,
        texts: texts.finish(),
        incoming: incoming.finish(),
        dates: dates.finish(),
        pools: free.finish(),
        surveys: surveys.finish(),
    })
}
