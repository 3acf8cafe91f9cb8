//! Sequences.

use std::thread;

use upgradable::collections::Sequence;
use upgradable::{AccessError, Background, Heap, Tx, Upgradable, Upgrade};

use crate::support::{Tag, conflicts};

fn filled(heap: &Heap, count: u64) -> Sequence<Tag> {
    heap.atomically(|tx| {
        let tags = Sequence::create(tx)?;
        tags.extend(tx, (0..count).map(Tag))?;
        Ok(tags)
    })
    .unwrap()
}

#[test]
fn changing_values_conflicts_in_the_values_alone() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_000);
    let change = |at| move |tx: &Tx<'_>| Ok(tags.modify(tx, at, |tag| tag.0 += 1).map(drop)?);
    let push = |tx: &Tx<'_>| Ok(tags.push_back(tx, Tag(0)).map(drop)?);
    assert_eq!(conflicts(&heap, change(10), change(11)), 0);
    assert_eq!(conflicts(&heap, change(10), change(10)), 1);
    // Places move when something is inserted, wherever it is.
    assert_eq!(conflicts(&heap, change(10), push), 1);
    assert_eq!(conflicts(&heap, push, push), 1);
    assert_eq!(heap.snapshot(|s| (tags.len(s), tags.check(s))), (Ok(1_003), Ok(())));
}

#[test]
fn an_iterator_sees_one_snapshot() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_000);
    heap.snapshot(|s| {
        let mut seen = Vec::new();
        for tag in tags.iter(s) {
            seen.push(tag.unwrap().0);
            if seen.len() % 100 == 50 {
                thread::scope(|scope| {
                    scope.spawn(|| {
                        heap.atomically(|tx| {
                            for _ in 0..100 {
                                tags.pop_front(tx)?;
                                tags.insert(tx, 500, Tag(7))?;
                            }
                            Ok(())
                        })
                        .unwrap();
                    });
                });
            }
        }
        assert!(seen.into_iter().eq(0..1_000));
    });
    assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Tag", version = 2, from = Tag)]
struct Wide(u128);

#[test]
fn values_are_upgraded_one_by_one_and_come_back() {
    let heap = Heap::new();
    let tags = filled(&heap, 500);
    let plan = Upgrade::to("2").migrate::<Tag, Wide>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    let wide: Sequence<Wide> = tags.cast();
    assert_eq!(heap.snapshot(|s| wide.get(s, 100).map(|tag| tag.cloned())), Ok(Some(Wide(100))));
    assert_eq!(running.progress().transformed(), 1);
    heap.atomically(|tx| {
        wide.remove(tx, 0)?;
        for n in 0..500 {
            wide.insert(tx, 250, Wide(n))?;
        }
        Ok(())
    })
    .unwrap();
    running.roll_back().unwrap().wait().unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.check(s), Ok(()));
        let all: Vec<u64> = tags.iter(s).map(|tag| tag.unwrap().0).collect();
        let expected = (1..251).chain((0..500).rev()).chain(251..500);
        assert!(all.into_iter().eq(expected));
    });
}

#[test]
fn handles_of_nothing_give_errors() {
    let (heap, other) = (Heap::new(), Heap::new());
    let tags = filled(&heap, 100);
    other.snapshot(|s| {
        assert_eq!(tags.get(s, 5), Err(AccessError::Foreign));
        assert_eq!(tags.iter_refs(s).collect::<Vec<_>>(), [Err(AccessError::Foreign)]);
        assert_eq!(tags.iter_refs(s).next_back(), Some(Err(AccessError::Foreign)));
    });
    let queue = upgradable::collections::Queue::<Tag>::from_bits(tags.to_bits());
    let wrong = heap.snapshot(|s| queue.len(s));
    assert!(matches!(wrong, Err(AccessError::WrongType(_))), "{wrong:?}");
    heap.atomically(|tx| Ok(tx.delete(tags.get_ref(tx, 20)?.expect("it is there"))?)).unwrap();
    heap.snapshot(|s| assert_eq!(tags.iter(s).filter(Result::is_err).count(), 1));
    heap.atomically(|tx| Ok(tags.delete(tx)?)).unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.is_empty(s), Err(AccessError::Deleted));
        assert_eq!(s.objects::<Tag>().count(), 0);
    });
}
