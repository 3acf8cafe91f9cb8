//! What only this module can do to a sequence: take its nodes away, and put them in disorder. And a
//! comparison with the standard library's vector, with nodes so small that the trees are high.

use proptest::prelude::*;
use upgradable_derive::Upgradable;

use super::Sequence;
use super::node::{Inner, Leaf, Root};
use crate::access::AccessError;
use crate::collections::CheckError;
use crate::{Heap, Tx, Upgrade};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Line", crate = crate)]
struct Line(u64);

/// Several levels of nodes.
fn filled(heap: &Heap) -> Sequence<Line> {
    heap.atomically(|tx| {
        let lines = Sequence::create(tx)?;
        lines.extend(tx, (0..600).map(Line))?;
        assert!(tx.read(lines.root)?.levels > 2);
        Ok(lines)
    })
    .unwrap()
}

#[test]
fn a_sequence_without_one_of_its_nodes_gives_errors() {
    let heap = Heap::new();
    let lines = filled(&heap);
    heap.atomically(|tx| {
        let (_, _, leaf) = lines.tree().find(tx, 303)?.expect("it is there");
        Ok(tx.delete(leaf)?)
    })
    .unwrap();
    let gone = AccessError::Deleted;
    heap.snapshot(|s| {
        assert_eq!(lines.get(s, 303), Err(gone.clone()));
        assert_eq!(lines.get(s, 10), Ok(Some(&Line(10))));
        assert_eq!(lines.len(s), Ok(600));
        assert_eq!(lines.check(s), Err(CheckError::Access(gone.clone())));
        let forth: Vec<_> = lines.iter_refs(s).map(|line| line.map(drop)).collect();
        let back: Vec<_> = lines.iter_refs(s).rev().map(|line| line.map(drop)).collect();
        for all in [forth, back] {
            assert!(all.len() > 280 && all.len() < 320, "{}", all.len());
            assert_eq!(all.last(), Some(&Err(gone.clone())));
        }
    });
    for part in 0..4 {
        let ended = heap.atomically(|tx| {
            match part {
                0 => drop(lines.insert(tx, 303, Line(1))?),
                1 => drop(lines.remove_ref(tx, 303)?),
                2 => lines.clear_refs(tx)?,
                _ => while lines.pop_front_ref(tx)?.is_some() {},
            }
            Ok(())
        });
        assert_eq!(ended.unwrap_err().access(), Some(&gone), "part {part}");
    }
}

#[test]
fn planted_faults_are_found() {
    type Plant = fn(&mut Leaf);
    let plants: [(Plant, &str); 2] = [
        (|leaf| drop(leaf.values.drain(3..)), "a count is wrong"),
        (|leaf| leaf.values.clear(), "a leaf has too few values, or too many"),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let lines = filled(&heap);
        assert_eq!(heap.snapshot(|s| lines.check(s)), Ok(()));
        heap.atomically(|tx| {
            let (_, _, leaf) = lines.tree().find(tx, 300)?.expect("it is there");
            Ok(tx.modify(leaf, plant)?)
        })
        .unwrap();
        assert_eq!(heap.snapshot(|s| lines.check(s)), Err(CheckError::Broken(what)));
    }
    type PlantAbove = fn(&mut Root);
    let plants: [(PlantAbove, &str); 5] = [
        (|root| root.top.counts[0] += 1, "a count is wrong"),
        (
            |root| root.top.counts.truncate(1),
            "an inner node has too many children, or too few counts",
        ),
        (|root| root.levels = 0, "the tree has no level"),
        (|root| root.top.children[1] = root.top.children[0], "a node has two places"),
        (
            |root| {
                root.top.children.truncate(1);
                root.top.counts.truncate(1);
            },
            "the topmost node has one child, and it is no leaf",
        ),
    ];
    for (plant, what) in plants {
        let heap = Heap::new();
        let lines = filled(&heap);
        heap.atomically(|tx| Ok(tx.modify(lines.root, plant)?)).unwrap();
        assert_eq!(heap.snapshot(|s| lines.check(s)), Err(CheckError::Broken(what)));
    }
}

#[test]
fn a_sequence_that_grows_after_a_flip_survives_the_roll_back() {
    let heap = Heap::new();
    let lines = heap.atomically(|tx| Ok(Sequence::create(tx)?)).unwrap();
    let line = heap.atomically(|tx| Ok(tx.create(Line(0))?)).unwrap();
    let running = heap.upgrade(Upgrade::to("2").refresh::<Line>()).unwrap();
    // The first inner nodes of this heap.
    heap.atomically(|tx| Ok((0..600).try_for_each(|_| lines.push_back_ref(tx, line))?)).unwrap();
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();
    assert_eq!(heap.snapshot(|s| lines.check(s)), Ok(()));
    assert_eq!(heap.snapshot(|s| lines.iter(s).count()), 600);
}

#[derive(Clone, Debug)]
enum Op {
    Insert(usize, u64),
    Remove(usize),
    PushFront(u64),
    PushBack(u64),
    PopFront,
    PopBack,
    InsertMany(usize, u64),
    RemoveMany(usize, usize),
    Modify(usize),
    Replace(usize, u64),
    Range(usize, usize),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    let at = || 0..400_usize;
    prop_oneof![
        6 => (at(), any::<u64>()).prop_map(|(at, value)| Op::Insert(at, value)),
        6 => at().prop_map(Op::Remove),
        2 => any::<u64>().prop_map(Op::PushFront),
        2 => any::<u64>().prop_map(Op::PushBack),
        2 => Just(Op::PopFront),
        2 => Just(Op::PopBack),
        4 => (at(), 0..150_u64).prop_map(|(at, count)| Op::InsertMany(at, count)),
        3 => (at(), 0..150_usize).prop_map(|(at, count)| Op::RemoveMany(at, count)),
        2 => at().prop_map(Op::Modify),
        2 => (at(), any::<u64>()).prop_map(|(at, value)| Op::Replace(at, value)),
        3 => (at(), at()).prop_map(|(from, to)| Op::Range(from, to)),
        1 => Just(Op::Clear),
    ]
}

#[allow(clippy::too_many_lines, reason = "one arm for each operation")]
fn apply(tx: &Tx<'_>, sequence: Sequence<Line>, model: &mut Vec<u64>, op: &Op) {
    let number = |line: Option<&Line>| line.map(|line| line.0);
    match *op {
        Op::Insert(at, value) => {
            let inserted = sequence.insert(tx, at, Line(value)).unwrap();
            assert_eq!(inserted.is_some(), at <= model.len());
            if at <= model.len() {
                model.insert(at, value);
            }
        }
        Op::Remove(at) => {
            let expected = (at < model.len()).then(|| model.remove(at));
            assert_eq!(number(sequence.remove(tx, at).unwrap()), expected);
        }
        Op::PushFront(value) => {
            sequence.push_front(tx, Line(value)).unwrap();
            model.insert(0, value);
        }
        Op::PushBack(value) => {
            sequence.push_back(tx, Line(value)).unwrap();
            model.push(value);
        }
        Op::PopFront => {
            let expected = (!model.is_empty()).then(|| model.remove(0));
            assert_eq!(number(sequence.pop_front(tx).unwrap()), expected);
        }
        Op::PopBack => assert_eq!(number(sequence.pop_back(tx).unwrap()), model.pop()),
        Op::InsertMany(at, count) => {
            let at = at.min(model.len());
            for value in 0..count {
                sequence.insert(tx, at, Line(value)).unwrap().unwrap();
                model.insert(at, value);
            }
        }
        Op::RemoveMany(at, count) => {
            for _ in 0..count {
                let expected = (at < model.len()).then(|| model.remove(at));
                assert_eq!(number(sequence.remove(tx, at).unwrap()), expected);
            }
        }
        Op::Modify(at) => {
            let changed = sequence.modify(tx, at, |line| line.0 ^= 1).unwrap();
            assert_eq!(changed.is_some(), at < model.len());
            if let Some(value) = model.get_mut(at) {
                *value ^= 1;
            }
        }
        Op::Replace(at, value) => {
            let line = tx.create(Line(value)).unwrap();
            let before = sequence.replace_ref(tx, at, line).unwrap();
            assert_eq!(before.map(|before| tx.read(before).unwrap().0), model.get(at).copied());
            tx.delete(before.unwrap_or(line)).unwrap();
            if let Some(place) = model.get_mut(at) {
                *place = value;
            }
        }
        Op::Range(from, to) => {
            let expected: Vec<u64> =
                model.iter().skip(from).take(to.saturating_sub(from)).copied().collect();
            let found = sequence.range(tx, from..to).map(|line| line.unwrap().0);
            assert_eq!(found.collect::<Vec<_>>(), expected);
            let back = sequence.range(tx, from..to).rev().map(|line| line.unwrap().0);
            assert!(back.eq(expected.iter().rev().copied()));
            let mut ends = sequence.range_refs(tx, from..to);
            let mut count = 0;
            while ends.next().is_some() {
                count += 1 + usize::from(ends.next_back().is_some());
            }
            assert_eq!(count, expected.len());
        }
        Op::Clear => {
            sequence.clear(tx).unwrap();
            model.clear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_what_the_standard_vector_is(
        transactions in prop::collection::vec(prop::collection::vec(op(), 1..12), 1..20),
    ) {
        let heap = Heap::new();
        let sequence = heap.atomically(|tx| Ok(Sequence::create(tx)?)).unwrap();
        let mut model = Vec::new();
        for ops in &transactions {
            heap.atomically(|tx| {
                ops.iter().for_each(|op| apply(tx, sequence, &mut model, op));
                assert_eq!(sequence.check(tx), Ok(()));
                Ok(())
            }).unwrap();
            heap.snapshot(|s| {
                assert_eq!(sequence.check(s), Ok(()));
                assert_eq!(sequence.len(s), Ok(model.len()));
                assert_eq!(sequence.is_empty(s), Ok(model.is_empty()));
                assert!(sequence.iter(s).map(|line| line.unwrap().0).eq(model.iter().copied()));
                assert_eq!(sequence.first(s).unwrap().map(|line| line.0), model.first().copied());
                assert_eq!(sequence.last(s).unwrap().map(|line| line.0), model.last().copied());
                for at in (0..model.len() + 2).step_by(7) {
                    assert_eq!(sequence.get(s, at).unwrap().map(|l| l.0), model.get(at).copied());
                }
            });
        }
        heap.atomically(|tx| Ok(sequence.delete(tx)?)).unwrap();
        heap.snapshot(|s| {
            assert_eq!(s.objects::<Line>().count(), 0);
            assert_eq!(s.objects::<Leaf>().count() + s.objects::<Inner>().count(), 0);
            assert_eq!(s.objects::<Root>().count(), 0);
        });
    }
}
