//! What is planted must be found: broken invariants by the check, wrong results by the replay.

use std::sync::Arc;
use std::time::Duration;

use super::{End, Entry, Log, Moment, Upgraded, Violations, check, digest, replay};
use crate::backend::{
    AtomicByDate, AtomicById, Backend, BaseById, ComplexById, CompositeById, DocumentByTitle,
    Medium, Read, Stm, Unsynchronised, Work, Write, all,
};
use crate::build::build;
use crate::id::Id;
use crate::measure::{Limit, Measured, RunPlan, measure};
use crate::mix::{Mix, Workload};
use crate::ops::Op;
use crate::params::{Params, Size};
use crate::pool::IdPool;
use crate::schema::V1;
use crate::schema::v1::{AtomicPart, BaseAssembly, ComplexAssembly, CompositePart, PartWiring};
use crate::title::title_key;

const SEED: u64 = 3;

type Plain = Unsynchronised<V1>;
type PlainTx<'t> = <Plain as Backend<V1>>::Writer<'t>;

fn tiny() -> Params {
    Params::new(Size::Tiny, 1)
}

fn built() -> Plain {
    let mut backend = Plain::default();
    build(&mut backend, tiny(), SEED).expect("it can be built");
    backend
}

fn check_later(backend: &Plain) -> Violations {
    let checked = backend.read(Work::Whole, |tx| check::<V1, _>(tx, &tiny(), Moment::Later));
    checked.expect("it can be read").value
}

/// What the check says of a structure that was sound before `corrupt`.
fn found(corrupt: impl Fn(&PlainTx<'_>)) -> String {
    let backend = built();
    assert_eq!(check_later(&backend), Violations::default());
    let done = Backend::<V1>::write(&backend, Work::Whole, |tx| Ok(corrupt(tx)));
    done.expect("it can be written");
    check_later(&backend).to_string()
}

fn atomic(tx: &PlainTx<'_>, id: u32) -> Id<AtomicPart> {
    tx.get::<AtomicById>(&id).expect("readable").expect("there")
}

fn wiring(tx: &PlainTx<'_>, part: u32) -> Id<PartWiring> {
    tx.read(atomic(tx, part)).expect("readable").wiring
}

fn composite(tx: &PlainTx<'_>, id: u32) -> Id<CompositePart> {
    tx.get::<CompositeById>(&id).expect("readable").expect("there")
}

fn base(tx: &PlainTx<'_>, id: u32) -> Id<BaseAssembly> {
    tx.get::<BaseById>(&id).expect("readable").expect("there")
}

fn complex(tx: &PlainTx<'_>, id: u32) -> Id<ComplexAssembly> {
    tx.get::<ComplexById>(&id).expect("readable").expect("there")
}

macro_rules! finds {
    ($($name:ident: |$tx:ident| $corrupt:expr => $message:literal;)*) => {$(
        #[test]
        fn $name() {
            let found = found(|$tx| { $corrupt.expect("writable"); });
            assert!(found.contains($message), "found:\n{found}");
        }
    )*};
}

finds! {
    a_date_out_of_bounds: |tx| tx.modify(base(tx, 3), |b| b.date = 998)
        => "base assembly #3: it was built in 998";
    an_unknown_type: |tx| tx.modify(composite(tx, 2), |c| c.kind = 10)
        => "composite part #2: type #10";
    positions_too_far_apart: |tx| tx.modify(atomic(tx, 5), |a| a.x += 3)
        => "atomic part #5 of composite part #1: x";
    a_part_of_another: |tx| tx.modify(atomic(tx, 5), |a| a.part_of = composite(tx, 2))
        => "atomic part #5 of composite part #1: part of another";
    a_connection_known_at_one_end: |tx| tx.modify(wiring(tx, 5), |w| {
        w.incoming = w.incoming[1..].into();
    }) => "1 connections are known at one end only";
    a_connection_too_few: |tx| tx.modify(wiring(tx, 5), |w| {
        w.outgoing = w.outgoing[1..].into();
    }) => "atomic part #5 of composite part #1: 5 connections";
    a_way_that_no_connection_takes: |tx| tx.modify(atomic(tx, 5), |a| a.targets[2] = a.targets[3])
        => "atomic part #5 of composite part #1: it leads elsewhere than its connections";
    a_part_under_two_dates: |tx| tx.insert::<AtomicByDate>((1500, 5), atomic(tx, 5))
        => "entries for 400 parts";
    a_part_under_a_wrong_date: |tx| tx.modify(atomic(tx, 5), |a| {
        a.date = if a.date < 1500 { a.date + 100 } else { a.date - 100 };
    }) => "date index: #5, built in";
    a_part_out_of_the_index: |tx| tx.remove::<AtomicById>(&5)
        => "atomic part index: 399 entries for 400 objects";
    a_document_out_of_the_index: |tx| tx.remove::<DocumentByTitle>(&title_key("Composite Part #4"))
        => "document #4 of composite part #4: not in the index";
    a_child_of_two_parents: |tx| {
        let stranger = tx.read(complex(tx, 3)).map(|c| Arc::clone(&c.bases)).expect("readable");
        tx.modify(complex(tx, 4), |c| c.bases = stranger)
    } => "it is reached twice";
    a_child_that_does_not_know_its_parent: |tx| {
        tx.modify(base(tx, 3), |b| b.parent = complex(tx, 1))
    } => "base assembly #3: its parent";
    a_wrong_level: |tx| tx.modify(complex(tx, 2), |c| c.level = 4)
        => "complex assembly #2: level 4 where 3 should be";
    a_childless_assembly: |tx| tx.modify(complex(tx, 3), |c| c.bases = Arc::default())
        => "complex assembly #3: no children";
    a_link_without_its_way_back: |tx| {
        let used = tx.get::<CompositeById>(&1).map(|_| composite(tx, 1)).expect("readable");
        tx.modify(base(tx, 3), |b| b.components = b.components.iter().copied().chain([used]).collect())
    } => "links to composite #1";
    a_way_back_too_many: |tx| {
        let user = tx.read(base(tx, 3)).map(|b| b.components[0]).expect("readable");
        tx.modify(user, |c| c.used_in = c.used_in.iter().copied().chain([c.used_in[0]]).collect())
    } => "links to composite #";
    a_text_of_another: |tx| {
        let other = tx.read(composite(tx, 2)).map(|c| c.document).expect("readable");
        let text = tx.read(other).map(|d| d.text.clone()).expect("readable");
        let document = tx.read(composite(tx, 1)).map(|c| c.document).expect("readable");
        tx.modify(document, |d| d.text = text)
    } => "document #1 of composite part #1: its text";
    a_manual_that_mixes_letters: |tx| {
        let manual = tx.read(tx.roots().module).map(|m| m.manual).expect("readable");
        tx.modify(manual, |m| m.text.replace_prefix("I am", "I im"))
    } => "manual: its text mixes I and i";
    a_lost_id: |tx| tx.modify(tx.roots().pools.composites, IdPool::take)
        => "composite part ids: free and used ones";
    an_id_given_back_twice: |tx| tx.modify(tx.roots().pools.bases, |p| p.give_back(1))
        => "base assembly ids: free and used ones";
    a_root_that_was_removed: |tx| {
        let root = complex(tx, 2);
        tx.modify(tx.roots().module, |m| m.root = root)
    } => "complex assembly #2: not its parent's child";
}

#[test]
fn what_was_just_built_is_in_narrower_bounds() {
    let backend = built();
    let initial = |backend: &Plain| {
        let checked = backend.read(Work::Whole, |tx| check::<V1, _>(tx, &tiny(), Moment::Initial));
        checked.expect("it can be read").value
    };
    assert_eq!(initial(&backend), Violations::default());
    let date = |tx: &PlainTx<'_>| tx.modify(base(tx, 3), |b| b.date = 999);
    Backend::<V1>::write(&backend, Work::Whole, date).expect("it can be written");
    assert!(!initial(&backend).is_empty());
    assert_eq!(check_later(&backend), Violations::default());
}

fn run<B: crate::backend::Found<V1> + Default>(threads: usize) -> (Mix, Measured, super::Digest) {
    let mut backend = B::default();
    build(&mut backend, tiny(), SEED).expect("it can be built");
    let plan = RunPlan {
        params: tiny(),
        mix: Mix::new(Workload::Rw, true, true),
        threads,
        limit: Limit::Ops(3000),
        seeds: (0..threads as u64).map(|thread| SEED + thread).collect(),
        log: true,
    };
    let measured = measure::<V1, _>(&backend, &plan, |_| ()).expect("it runs");
    assert!(measured.elapsed > Duration::ZERO);
    let end = backend.read(Work::Whole, |tx| digest::<V1, _>(tx)).expect("it can be read").value;
    (plan.mix, measured, end)
}

fn replayed(mix: &Mix, logs: &[Log], end: &super::Digest) -> String {
    let end = End { digest: *end, upgraded: None };
    replay::<V1>(tiny(), SEED, mix, logs, &end, |_| ()).expect("it can be replayed").to_string()
}

#[test]
fn a_run_is_its_replay() {
    let (mix, measured, end) = run::<Medium<V1>>(3);
    assert_eq!(replayed(&mix, &measured.logs, &end), "");
    let (mix, measured, end) = run::<Stm<V1>>(3);
    assert_eq!(replayed(&mix, &measured.logs, &end), "");
}

#[test]
fn a_wrong_result_is_found() {
    let (mix, mut measured, end) = run::<Stm<V1>>(2);
    let entry = &mut measured.logs[1].entries[700];
    entry.result = Some(entry.result.unwrap_or(0) + 1);
    let found = replayed(&mix, &measured.logs, &end);
    assert_eq!(found.lines().count(), 1);
    assert!(found.contains("of thread 1: Some("), "found:\n{found}");
}

#[test]
fn a_wrong_order_is_found() {
    let (mix, mut measured, end) = run::<Stm<V1>>(2);
    // The last write that swaps positions comes before everything.
    for log in &mut measured.logs {
        for entry in &mut log.entries {
            entry.moment.time = u64::MAX - entry.moment.time;
        }
        log.entries.reverse();
    }
    assert_ne!(replayed(&mix, &measured.logs, &end), "");
}

#[test]
fn a_different_end_is_found() {
    let (mix, measured, _) = run::<Stm<V1>>(2);
    let begin = built().read(Work::Whole, |tx| digest::<V1, _>(tx)).expect("it can be read").value;
    assert!(replayed(&mix, &measured.logs, &begin).contains("the structure was"));
}

#[test]
fn a_wrong_survey_is_found() {
    let (mix, measured, digest) = run::<Stm<V1>>(1);
    let upgraded = Upgraded { flip: 0, surveys: [(1, -5)].into_iter().collect() };
    let end = End { digest, upgraded: Some(upgraded) };
    let found =
        replay::<V1>(tiny(), SEED, &mix, &measured.logs, &end, |_| ()).expect("it can be replayed");
    assert!(found.to_string().contains("remembers None, at the upgrade it was 1"), "{found}");
}

#[test]
fn another_operation_is_found() {
    let (mix, mut measured, end) = run::<Stm<V1>>(1);
    let Entry { op, .. } = &mut measured.logs[0].entries[5];
    *op = if *op == Op::OP1 { Op::OP2 } else { Op::OP1 };
    assert!(replayed(&mix, &measured.logs, &end).contains("was due"));
}

#[test]
fn the_digest_sees_what_the_hash_does_not() {
    let backend = built();
    let now = || backend.read(Work::Whole, |tx| digest::<V1, _>(tx)).expect("readable").value;
    let before = now();
    let write = |tx: &PlainTx<'_>| {
        let (from, to) = all();
        let mut first = None;
        tx.scan::<DocumentByTitle, crate::backend::Stop<_>>(from, to, |_, id| {
            first.get_or_insert(id);
            Ok(())
        })
        .expect("readable");
        let first = first.expect("there are documents");
        tx.modify(first, |document| document.text.replace_prefix("I am", "This is"))
    };
    Backend::<V1>::write(&backend, Work::Whole, write).expect("writable");
    let after = now();
    assert_eq!(before.structure, after.structure);
    assert_ne!(before, after);
}
