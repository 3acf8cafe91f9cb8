//! Hash maps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use upgradable::collections::TxHashMap;
use upgradable::{AccessError, Background, Heap, Tx, Upgradable, Upgrade};

use crate::support::{Tag, conflicts};

type Tags = TxHashMap<u64, Tag>;

fn filled(heap: &Heap, count: u64) -> Tags {
    heap.atomically(|tx| {
        let tags = Tags::create_seeded(tx, [3, 4])?;
        tags.extend(tx, (0..count).map(|n| (n, Tag(n))))?;
        Ok(tags)
    })
    .unwrap()
}

#[test]
fn writers_of_different_keys_seldom_conflict() {
    let heap = Heap::new();
    let tags = filled(&heap, 5_000);
    let insert = |key| move |tx: &Tx<'_>| Ok(tags.insert(tx, key, Tag(1)).map(drop)?);
    let remove = |key| move |tx: &Tx<'_>| Ok(tags.remove(tx, &key).map(drop)?);
    let mut lost = 0;
    for n in 0..100 {
        lost += conflicts(&heap, insert(10_000 + n), insert(20_000 + n));
        lost += conflicts(&heap, remove(n), insert(30_000 + n));
    }
    // By chance two keys meet in a bucket, or two buckets of a table are parted at once.
    assert!(lost < 20, "{lost} of 200");
    // One key is one bucket.
    assert_eq!(conflicts(&heap, insert(40_000), insert(40_000)), 1);
    assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
}

#[test]
fn growth_stops_nobody_in_other_buckets() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_500);
    let note = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let mut lost = 0;
    for key in 0..50 {
        let look = |tx: &Tx<'_>| {
            let found = tags.get(tx, &key)?.map_or(0, |tag| tag.0);
            Ok(tx.write(note, Tag(found))?)
        };
        // Parts some buckets each time, in the table that leads to all of them.
        let fresh = 100_000 + key * 20..100_020 + key * 20;
        let grow = |tx: &Tx<'_>| Ok(tags.extend(tx, fresh.clone().map(|n| (n, Tag(0))))?);
        lost += conflicts(&heap, look, grow);
    }
    // Twenty of some hundred and fifty buckets are written each time.
    assert!(lost < 20, "{lost} of 50");
}

#[test]
fn what_was_not_there_is_depended_on_like_what_was() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_000);
    let other = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let unless = |key: u64| {
        move |tx: &Tx<'_>| {
            if !tags.contains_key(tx, &key)? {
                tx.modify(other, |tag| tag.0 += 1)?;
            }
            Ok(())
        }
    };
    let insert = |key| move |tx: &Tx<'_>| Ok(tags.insert(tx, key, Tag(1)).map(drop)?);
    assert_eq!(conflicts(&heap, unless(5_005), insert(5_005)), 1);
    // Also when so many keys come with it that its bucket is parted.
    let crowd = |tx: &Tx<'_>| Ok(tags.extend(tx, (6_000..9_000).map(|key| (key, Tag(0))))?);
    assert_eq!(conflicts(&heap, unless(7_055), crowd), 1);
    assert_eq!(conflicts(&heap, unless(9_999), |tx| Ok(tags.clear(tx)?)), 1);
    assert_eq!(heap.snapshot(|s| s.read(other).cloned()), Ok(Tag(1)));
}

#[test]
fn an_iterator_sees_one_snapshot() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_000);
    heap.snapshot(|s| {
        let mut seen = Vec::new();
        for entry in tags.iter(s) {
            let (key, tag) = entry.unwrap();
            assert_eq!(*key, tag.0);
            seen.push(*key);
            if seen.len() % 100 == 50 {
                thread::scope(|scope| {
                    scope.spawn(|| {
                        let fresh = 1_000 * seen.len() as u64;
                        heap.atomically(|tx| {
                            for n in 0..1_000 {
                                tags.remove(tx, &n)?;
                                tags.insert(tx, fresh + n, Tag(0))?;
                            }
                            Ok(())
                        })
                        .unwrap();
                    });
                });
            }
        }
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..1_000));
    });
}

#[test]
fn a_walk_in_many_transactions_sees_what_stays_once() {
    let heap = Heap::new();
    let tags = filled(&heap, 1_000);
    let (mut seen, mut at, mut pages) = (Vec::new(), Some(0), 0);
    while let Some(from) = at {
        at = heap.snapshot(|s| {
            let (entries, next) = tags.page(s, from).unwrap();
            seen.extend(entries.map(|(key, tag)| {
                assert_eq!(s.read(tag).map(|tag| tag.0), Ok(*key));
                *key
            }));
            next
        });
        assert!(at.is_none_or(|next| next > from), "it goes on");
        // Others come, so that buckets are parted before and behind the place, and some go.
        heap.atomically(|tx| {
            let fresh = 1_000 + pages * 50..1_050 + pages * 50;
            tags.extend(tx, fresh.map(|n| (n, Tag(n))))?;
            tags.remove(tx, &(1_000 + pages * 7))?;
            Ok(())
        })
        .unwrap();
        pages += 1;
    }
    assert!(pages > 50, "{pages}");
    seen.sort_unstable();
    let all = seen.len();
    seen.dedup();
    assert_eq!(all, seen.len(), "nothing twice");
    assert!(seen.into_iter().filter(|key| *key < 1_000).eq(0..1_000));
}

#[test]
fn two_writers_and_a_reader_keep_a_sum() {
    let heap = Heap::new();
    let tags = filled(&heap, 300);
    let sum = |s: &upgradable::Snapshot<'_>| -> u64 {
        tags.iter(s).map(|entry| entry.unwrap().1.0).sum()
    };
    let before = heap.snapshot(sum);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 1..3_u64 {
            let (heap, stop) = (&heap, &stop);
            scope.spawn(move || {
                let mut random = seed;
                while !stop.load(Ordering::Relaxed) {
                    random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(seed);
                    let (from, to) = (random >> 33 & 1_023, random >> 45 & 1_023);
                    heap.atomically(|tx| {
                        let Some(value) = tags.remove(tx, &from)? else { return Ok(()) };
                        if tags.modify(tx, &to, |tag| tag.0 += value.0)?.is_none() {
                            tags.insert(tx, to, value.clone())?;
                        }
                        Ok(())
                    })
                    .unwrap();
                }
            });
        }
        for _ in 0..50 {
            assert_eq!(heap.snapshot(sum), before);
            assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

mod v1 {
    use upgradable::Upgradable;
    use upgradable::collections::TxHashMap;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.User")]
    pub(crate) struct User {
        pub(crate) age: u8,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Club")]
    pub(crate) struct Club {
        pub(crate) users: TxHashMap<String, User>,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.User", version = 2, from = v1::User)]
struct User {
    age: u32,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Club", version = 2, from = v1::Club)]
struct Club {
    users: TxHashMap<String, User>,
    #[upgrade(default)]
    motto: String,
}

#[test]
fn values_are_upgraded_one_by_one_and_come_back() {
    let heap = Heap::new();
    let club = heap
        .atomically(|tx| {
            let users = TxHashMap::create(tx)?;
            users.extend(tx, (0..100).map(|n| (format!("user {n}"), v1::User { age: n })))?;
            Ok(tx.create(v1::Club { users })?)
        })
        .unwrap();
    let plan = Upgrade::to("2").migrate::<v1::User, User>().migrate::<v1::Club, Club>();
    let running = heap.upgrade(plan.background(Background::Off)).unwrap();
    let users = heap.snapshot(|s| s.read(club.cast::<Club>()).map(|club| club.users)).unwrap();
    assert_eq!(heap.snapshot(|s| users.len(s)), Ok(100));
    assert_eq!(heap.snapshot(|s| users.get(s, "user 7").map(|u| u.unwrap().age)), Ok(7));
    assert_eq!(running.progress().transformed(), 2);
    heap.atomically(|tx| {
        users.modify(tx, "user 8", |user| user.age = 88)?;
        users.remove(tx, "user 9")?;
        users.insert(tx, "user 100".into(), User { age: 100 })?;
        Ok(())
    })
    .unwrap();
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();
    heap.snapshot(|s| {
        let users = s.read(club).unwrap().users;
        assert_eq!(users.check(s), Ok(()));
        let age = |name: &str| users.get(s, name).unwrap().map(|user| user.age);
        let names = ["user 7", "user 8", "user 9", "user 100"];
        assert_eq!(names.map(age), [Some(7), Some(88), None, Some(100)]);
        assert_eq!(users.iter(s).filter(Result::is_ok).count(), 100);
    });
}

#[test]
fn handles_of_nothing_give_errors() {
    let (heap, other) = (Heap::new(), Heap::new());
    let tags = filled(&heap, 100);
    other.snapshot(|s| {
        assert_eq!(tags.get(s, &1), Err(AccessError::Foreign));
        assert_eq!(tags.iter_refs(s).collect::<Vec<_>>(), [Err(AccessError::Foreign)]);
    });
    let strings = TxHashMap::<String, Tag>::from_bits(tags.to_bits());
    let wrong = heap.snapshot(|s| strings.get(s, "one").map(drop));
    assert!(matches!(wrong, Err(AccessError::WrongType(_))), "{wrong:?}");
    heap.atomically(|tx| Ok(tx.delete(tags.get_ref(tx, &20)?.expect("it is there"))?)).unwrap();
    heap.snapshot(|s| assert_eq!(tags.iter(s).filter(Result::is_err).count(), 1));
    heap.atomically(|tx| Ok(tags.delete(tx)?)).unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.is_empty(s), Err(AccessError::Deleted));
        assert_eq!(s.objects::<Tag>().count(), 0);
    });
}
