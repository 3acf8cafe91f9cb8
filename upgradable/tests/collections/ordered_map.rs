//! Ordered maps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use upgradable::collections::OrderedMap;
use upgradable::{AccessError, Heap, Ref, Upgradable, Upgrade};

use crate::support::{Tag, conflicts};

type Tags = OrderedMap<u64, Tag>;

/// A map with every tenth key.
fn tens(heap: &Heap, count: u64) -> Tags {
    heap.atomically(|tx| {
        let tags = Tags::create(tx)?;
        tags.extend(tx, (0..count).map(|n| (n * 10, Tag(n))))?;
        Ok(tags)
    })
    .unwrap()
}

#[test]
fn writers_far_apart_do_not_conflict() {
    let heap = Heap::new();
    let tags = tens(&heap, 10_000);
    let insert = |key| move |tx: &upgradable::Tx<'_>| Ok(tags.insert(tx, key, Tag(1)).map(drop)?);
    let remove = |key| move |tx: &upgradable::Tx<'_>| Ok(tags.remove(tx, &key).map(drop)?);
    assert_eq!(conflicts(&heap, insert(5), insert(90_005)), 0);
    assert_eq!(conflicts(&heap, remove(10), insert(90_006)), 0);
    assert_eq!(conflicts(&heap, remove(20), remove(90_010)), 0);
    // And they do in one leaf, or nobody would notice the other.
    assert_eq!(conflicts(&heap, insert(50_005), insert(50_006)), 1);
    assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
}

#[test]
fn whoever_parts_leaves_stops_nobody_in_other_leaves() {
    let heap = Heap::new();
    let tags = tens(&heap, 10_000);
    // A hundred keys in one place: leaves are parted, and the inner node above is written.
    let many = |tx: &upgradable::Tx<'_>| {
        Ok(tags.extend(tx, (50_001..50_010).chain(50_011..50_100).map(|key| (key, Tag(0))))?)
    };
    let one = |tx: &upgradable::Tx<'_>| {
        tags.insert(tx, 53_001, Tag(1))?;
        tags.remove(tx, &47_000)?;
        Ok(())
    };
    assert_eq!(conflicts(&heap, one, many), 0);
    // Nor does whoever joins them.
    let fewer = |tx: &upgradable::Tx<'_>| {
        (50_000..50_100).try_for_each(|key| Ok(tags.remove(tx, &key).map(drop)?))
    };
    let another = |tx: &upgradable::Tx<'_>| Ok(tags.insert(tx, 53_002, Tag(1)).map(drop)?);
    assert_eq!(conflicts(&heap, another, fewer), 0);
    assert_eq!(heap.snapshot(|s| tags.check(s)), Ok(()));
}

#[test]
fn what_was_not_there_is_depended_on_like_what_was() {
    let heap = Heap::new();
    let tags = tens(&heap, 1_000);
    let other = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let unless = |key: u64| {
        move |tx: &upgradable::Tx<'_>| {
            if !tags.contains_key(tx, &key)? {
                tx.modify(other, |tag| tag.0 += 1)?;
            }
            Ok(())
        }
    };
    let insert = |key| move |tx: &upgradable::Tx<'_>| Ok(tags.insert(tx, key, Tag(1)).map(drop)?);
    assert_eq!(conflicts(&heap, unless(5_005), insert(5_005)), 1);
    // Also when the key has come to lie in a leaf that was not there before.
    let crowd = |tx: &upgradable::Tx<'_>| {
        Ok(tags.extend(tx, (7_001..7_010).chain(7_011..7_100).map(|key| (key, Tag(0))))?)
    };
    assert_eq!(conflicts(&heap, unless(7_055), crowd), 1);
    // And a range depends on what comes into it.
    let count = |tx: &upgradable::Tx<'_>| {
        let count = tags.range_refs(tx, 3_000..4_000).count() as u64;
        Ok(tx.write(other, Tag(count))?)
    };
    assert_eq!(conflicts(&heap, count, insert(3_999)), 1);
    assert_eq!(heap.snapshot(|s| s.read(other).cloned()), Ok(Tag(101)));
    assert_eq!(conflicts(&heap, count, insert(9_001)), 0);
}

#[test]
fn clearing_and_deleting_conflict_with_everybody() {
    let heap = Heap::new();
    let tags = tens(&heap, 1_000);
    let other = heap.atomically(|tx| Ok(tx.create(Tag(0))?)).unwrap();
    let note = |tx: &upgradable::Tx<'_>| {
        let there = tags.contains_key(tx, &500);
        Ok(tx.write(other, Tag(u64::from(there == Ok(true))))?)
    };
    let insert = |tx: &upgradable::Tx<'_>| Ok(tags.insert(tx, 500, Tag(1)).map(drop)?);
    assert_eq!(conflicts(&heap, note, |tx| Ok(tags.clear(tx)?)), 1);
    assert_eq!(heap.snapshot(|s| s.read(other).cloned()), Ok(Tag(0)));
    heap.atomically(insert).unwrap();
    assert_eq!(conflicts(&heap, note, |tx| Ok(tags.delete(tx)?)), 1);
    assert_eq!(heap.snapshot(|s| s.read(other).cloned()), Ok(Tag(0)));
}

#[test]
fn an_iterator_sees_one_snapshot() {
    let heap = Heap::new();
    let tags = tens(&heap, 1_000);
    heap.snapshot(|s| {
        let mut seen = Vec::new();
        for entry in tags.iter(s) {
            let (key, tag) = entry.unwrap();
            seen.push((*key, tag.0));
            if seen.len() % 100 == 50 {
                thread::scope(|scope| {
                    scope.spawn(|| {
                        heap.atomically(|tx| {
                            for n in 0..1_000 {
                                tags.remove(tx, &(n * 10))?;
                                tags.insert(tx, n * 10 + 5, Tag(0))?;
                            }
                            Ok(tags.modify(tx, &5, |tag| tag.0 += 1)?)
                        })
                        .unwrap();
                    });
                });
            }
        }
        assert!(seen.into_iter().eq((0..1_000).map(|n| (n * 10, n))));
    });
}

#[test]
fn two_writers_and_a_reader_keep_a_sum() {
    let heap = Heap::new();
    let tags = tens(&heap, 300);
    let sum = |reader: &upgradable::Snapshot<'_>| -> u64 {
        tags.iter(reader).map(|entry| entry.unwrap().1.0).sum()
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
                    let (from, to) = (random >> 33 & 4_095, random >> 45 & 4_095);
                    heap.atomically(|tx| {
                        // An entry moves to another place, and onto what is there.
                        let Some(value) = tags.remove(tx, &from)? else { return Ok(()) };
                        let more = tags.modify(tx, &to, |tag| tag.0 += value.0)?;
                        if more.is_none() {
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
    use upgradable::collections::OrderedMap;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Item")]
    pub(crate) struct Item {
        pub(crate) cents: u64,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Shop")]
    pub(crate) struct Shop {
        pub(crate) items: OrderedMap<u32, Item>,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Item", version = 2, from = v1::Item)]
struct Item {
    #[upgrade(from = "cents", with = |cents: &u64| *cents * 10, back = |mills: &u64| *mills / 10)]
    mills: u64,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Shop", version = 2, from = v1::Shop)]
struct Shop {
    items: OrderedMap<u32, Item>,
    #[upgrade(default)]
    open: bool,
}

#[test]
fn values_are_upgraded_one_by_one_and_come_back() {
    use upgradable::Background;
    let heap = Heap::new();
    let shop: Ref<v1::Shop> = heap
        .atomically(|tx| {
            let items = OrderedMap::create(tx)?;
            items.extend(tx, (0..500).map(|n| (n, v1::Item { cents: u64::from(n) })))?;
            Ok(tx.create(v1::Shop { items })?)
        })
        .unwrap();
    let plan = Upgrade::to("2").migrate::<v1::Item, Item>().migrate::<v1::Shop, Shop>();
    let running = heap.upgrade(plan.background(Background::Off)).unwrap();

    let items = heap.snapshot(|s| s.read(shop.cast::<Shop>()).map(|shop| shop.items)).unwrap();
    assert_eq!(running.progress().transformed(), 1, "the shop");
    heap.snapshot(|s| {
        // What does not look at values transforms none.
        assert_eq!(items.len(s), Ok(500));
        assert_eq!(items.range_refs(s, 100..200).count(), 100);
        assert_eq!(items.check(s), Ok(()));
    });
    assert_eq!(running.progress().transformed(), 1);
    assert_eq!(heap.snapshot(|s| items.get(s, &7).map(|item| item.unwrap().mills)), Ok(70));
    assert_eq!(running.progress().transformed(), 2);

    // Code of the first version finds the map, and is told about the values.
    let old_items: OrderedMap<u32, v1::Item> = items.cast();
    let stale = heap.snapshot(|s| old_items.get(s, &7).map(drop));
    assert!(matches!(stale, Err(AccessError::StaleType(_))), "{stale:?}");
    let stale =
        heap.atomically(|tx| Ok(old_items.insert(tx, 900, v1::Item { cents: 1 }).map(drop)?));
    assert!(matches!(stale.unwrap_err().access(), Some(AccessError::StaleType(_))));

    // Changes of the new version: to values, and to the map.
    heap.atomically(|tx| {
        items.modify(tx, &7, |item| item.mills = 7_770)?;
        items.remove(tx, &8)?;
        items.extend(tx, (1_000..1_200).map(|n| (n, Item { mills: 10 })))?;
        Ok(())
    })
    .unwrap();
    running.wait().unwrap();
    running.roll_back().unwrap().wait().unwrap();

    heap.snapshot(|s| {
        let items = s.read(shop).unwrap().items;
        assert_eq!(items, old_items);
        assert_eq!(items.check(s), Ok(()));
        let cents = |key: u32| items.get(s, &key).unwrap().map(|item| item.cents);
        assert_eq!([7, 8, 9, 1_100].map(cents), [Some(777), None, Some(9), Some(1)]);
        assert_eq!(items.iter(s).filter(Result::is_ok).count(), 699);
    });
}

#[test]
fn handles_of_nothing_give_errors() {
    let (heap, other) = (Heap::new(), Heap::new());
    let tags = tens(&heap, 100);
    heap.snapshot(|s| assert_eq!(tags.get(s, &10).map(|tag| tag.cloned()), Ok(Some(Tag(1)))));
    other.snapshot(|s| {
        assert_eq!(tags.get(s, &10), Err(AccessError::Foreign));
        assert_eq!(tags.len(s), Err(AccessError::Foreign));
        let all: Vec<_> = tags.iter_refs(s).collect();
        assert_eq!(all, [Err(AccessError::Foreign)]);
    });
    // A map of other keys, and something that is no map.
    let strings = OrderedMap::<String, Tag>::from_bits(tags.to_bits());
    let wrong = heap.snapshot(|s| strings.first(s).map(drop));
    assert!(matches!(wrong, Err(AccessError::WrongType(_))), "{wrong:?}");
    let tag = heap.atomically(|tx| Ok(tx.create(Tag(1))?)).unwrap();
    let wrong = heap.atomically(|tx| Ok(Tags::from_bits(tag.to_bits()).pop_first(tx).map(drop)?));
    assert!(matches!(wrong.unwrap_err().access(), Some(AccessError::WrongType(_))));

    // A value that was deleted by its reference: the entry can still be taken out.
    heap.atomically(|tx| {
        let value = tags.get_ref(tx, &20)?.expect("it is there");
        Ok(tx.delete(value)?)
    })
    .unwrap();
    heap.snapshot(|s| {
        assert_eq!(tags.get(s, &20), Err(AccessError::Deleted));
        let faults = tags.iter(s).filter(Result::is_err).count();
        assert_eq!((faults, tags.iter(s).count()), (1, 100));
    });
    let removed = heap.atomically(|tx| Ok(tags.remove(tx, &20).map(drop)?));
    assert_eq!(removed.unwrap_err().access(), Some(&AccessError::Deleted));
    heap.atomically(|tx| Ok(tags.remove_ref(tx, &20)?)).unwrap().expect("it was there");

    heap.atomically(|tx| Ok(tags.delete(tx)?)).unwrap();
    let gone = Err(AccessError::Deleted);
    heap.snapshot(|s| {
        assert_eq!(tags.is_empty(s).map(drop), gone);
        assert_eq!(tags.iter(s).map(|entry| entry.map(drop)).next(), Some(gone.clone()));
        assert_eq!(s.objects::<Tag>().collect::<Vec<_>>(), [tag]);
    });
    let inserted = heap.atomically(|tx| Ok(tags.insert(tx, 1, Tag(1)).map(drop)?));
    assert_eq!(inserted.unwrap_err().access(), gone.as_ref().err());
}
