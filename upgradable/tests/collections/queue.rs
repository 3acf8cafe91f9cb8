//! Queues.

use std::thread;

use upgradable::collections::Queue;
use upgradable::{AccessError, Background, Heap, Tx, Upgradable, Upgrade};

use crate::support::{Tag, conflicts};

fn filled(heap: &Heap, count: u64) -> Queue<Tag> {
    heap.atomically(|tx| {
        let tags = Queue::create(tx)?;
        tags.extend(tx, (0..count).map(Tag))?;
        Ok(tags)
    })
    .unwrap()
}

#[test]
fn pushes_do_not_conflict_with_pops() {
    let heap = Heap::new();
    let tags = filled(&heap, 200);
    let push = |tx: &Tx<'_>| Ok(tags.push(tx, Tag(0)).map(drop)?);
    let pop = |tx: &Tx<'_>| Ok(tags.pop(tx).map(drop)?);
    // Over the borders of chunks, at both ends.
    for _ in 0..50 {
        assert_eq!(conflicts(&heap, push, pop), 0);
        assert_eq!(conflicts(&heap, pop, push), 0);
    }
    assert_eq!(conflicts(&heap, push, push), 1);
    assert_eq!(conflicts(&heap, pop, pop), 1);
    // Nearly empty, they do: what is popped could have been pushed just now.
    let tags = filled(&heap, 1);
    let push = |tx: &Tx<'_>| Ok(tags.push(tx, Tag(0)).map(drop)?);
    let pop = |tx: &Tx<'_>| Ok(tags.pop(tx).map(drop)?);
    assert_eq!(conflicts(&heap, pop, push), 1);
    assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
}

#[test]
fn what_is_pushed_is_popped_in_order_and_once() {
    const EACH: u64 = 1_000;
    let heap = Heap::new();
    let tags = filled(&heap, 0);
    let popped: Vec<Vec<u64>> = thread::scope(|scope| {
        for producer in 0..2 {
            let heap = &heap;
            scope.spawn(move || {
                for n in 0..EACH {
                    heap.atomically(|tx| Ok(tags.push(tx, Tag(producer * EACH + n))?)).unwrap();
                }
            });
        }
        let consume = || {
            (0..EACH)
                .map(|_| heap.atomically(|tx| Ok(tags.pop_or_wait(tx)?.0)).unwrap())
                .collect::<Vec<_>>()
        };
        let consumers = [scope.spawn(consume), scope.spawn(consume)];
        consumers.map(|consumer| consumer.join().unwrap()).into()
    });
    // Each consumer sees what each producer has pushed in order.
    for seen in &popped {
        for producer in [0..EACH, EACH..2 * EACH] {
            assert!(seen.iter().filter(|n| producer.contains(n)).is_sorted());
        }
    }
    let mut all = popped.concat();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..2 * EACH));
    heap.snapshot(|s| {
        assert_eq!(tags.is_empty(s), Ok(true));
        assert_eq!(tags.check(s), Ok(()));
        assert_eq!(s.objects::<Tag>().count(), 0);
    });
}

#[test]
fn an_iterator_sees_one_snapshot() {
    let heap = Heap::new();
    let tags = filled(&heap, 200);
    heap.snapshot(|s| {
        let mut seen = Vec::new();
        for tag in tags.iter(s) {
            seen.push(tag.unwrap().0);
            if seen.len() % 50 == 25 {
                thread::scope(|scope| {
                    scope.spawn(|| {
                        heap.atomically(|tx| {
                            while tags.pop(tx)?.is_some() {}
                            Ok(tags.extend(tx, (0..300).map(|_| Tag(7)))?)
                        })
                        .unwrap();
                    });
                });
            }
        }
        assert!(seen.into_iter().eq(0..200));
    });
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Tag", version = 2, from = Tag)]
struct Wide(u128);

#[test]
fn values_are_upgraded_as_they_are_popped() {
    let heap = Heap::new();
    let tags = filled(&heap, 100);
    let plan = Upgrade::to("2").migrate::<Tag, Wide>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    let wide: Queue<Wide> = tags.cast();
    assert_eq!(heap.snapshot(|s| wide.len(s)), Ok(100));
    assert_eq!(heap.atomically(|tx| Ok(wide.pop(tx)?.cloned())), Ok(Some(Wide(0))));
    assert_eq!(running.progress().transformed(), 1);
    let stale = heap.atomically(|tx| Ok(tags.pop(tx).map(drop)?)).unwrap_err();
    assert!(matches!(stale.access(), Some(AccessError::StaleType(_))));
    heap.atomically(|tx| Ok(wide.push(tx, Wide(100)).map(drop)?)).unwrap();
    running.roll_back().unwrap().wait().unwrap();
    let all = heap.snapshot(|s| tags.iter(s).map(|tag| tag.unwrap().0).collect::<Vec<_>>());
    assert!(all.into_iter().eq(1..101));
}

#[test]
fn handles_of_nothing_give_errors() {
    let (heap, other) = (Heap::new(), Heap::new());
    let tags = filled(&heap, 100);
    other.snapshot(|s| {
        assert_eq!(tags.peek(s), Err(AccessError::Foreign));
        assert_eq!(tags.iter_refs(s).collect::<Vec<_>>(), [Err(AccessError::Foreign)]);
    });
    // A value that was deleted by its reference can still be taken out.
    heap.atomically(|tx| Ok(tx.delete(tags.peek_ref(tx)?.expect("it is there"))?)).unwrap();
    let popped = heap.atomically(|tx| Ok(tags.pop(tx).map(drop)?));
    assert_eq!(popped.unwrap_err().access(), Some(&AccessError::Deleted));
    heap.atomically(|tx| Ok(tags.pop_ref(tx)?)).unwrap().expect("it was there");
    assert_eq!(heap.snapshot(|s| tags.len(s)), Ok(99));
    heap.atomically(|tx| Ok(tags.delete(tx)?)).unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.is_empty(s), Err(AccessError::Deleted));
        assert_eq!(s.objects::<Tag>().count(), 0);
    });
    let pushed = heap.atomically(|tx| Ok(tags.push(tx, Tag(1)).map(drop)?));
    assert_eq!(pushed.unwrap_err().access(), Some(&AccessError::Deleted));
}
