//! Heaps as their users see them: objects and references to them, roots, transactions and what
//! ends them, and the identity of an object through upgrades, deletion and the reuse of its place.

mod common;

use std::collections::{BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::*;
use upgradable::{
    Abort, AccessError, Background, Heap, Interrupt, Ref, Stm, TxError, Upgradable, Upgrade,
};

mod clash {
    use upgradable::Upgradable;

    /// Another layout under the name and number of a plain object.
    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Plain")]
    pub(crate) struct Plain {
        pub(crate) text: String,
    }
}

// --- references ----------------------------------------------------------------------------------

#[test]
fn a_reference_is_a_small_value() {
    fn small<T: Copy + Send + Sync + std::hash::Hash + Ord>() -> usize {
        size_of::<T>()
    }
    assert_eq!(small::<Ref<String>>(), 8);
    let heap = Heap::new();
    let made: Vec<Ref<Plain>> = (0..10).map(|n| create(&heap, Plain(n))).collect();
    assert_eq!(made.iter().collect::<HashSet<_>>().len(), 10);
    let sorted: Vec<_> = made.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    assert!(sorted.is_sorted_by_key(|object| object.to_bits()));
    let shown = format!("{:?}", made[0]);
    assert_eq!(shown, format!("Ref({:#x})", made[0].to_bits()));
    assert_eq!(Ref::<Plain>::from_bits(made[3].to_bits()), made[3]);
}

/// As a word, by whatever format.
#[test]
fn a_reference_goes_through_serde() {
    use serde::de::value::{Error, U64Deserializer};
    use serde::de::{Deserialize, IntoDeserializer};

    let heap = Heap::new();
    let object = create(&heap, Plain(1));
    let words: U64Deserializer<Error> = object.to_bits().into_deserializer();
    let back = Ref::<Plain>::deserialize(words).unwrap();
    assert_eq!(get(&heap, back), Plain(1));
}

// --- operations ----------------------------------------------------------------------------------

#[test]
fn create_read_write_modify_replace_delete() {
    let heap = Heap::new();
    let object = create(&heap, Plain(1));
    heap.atomically(|tx| {
        let before = tx.read(object)?;
        tx.write(object, Plain(2))?;
        assert_eq!((before, tx.read(object)?), (&Plain(1), &Plain(2)));
        assert_eq!(tx.modify(object, |plain| std::mem::replace(&mut plain.0, 3))?, 2);
        assert_eq!(tx.replace(object, Plain(4))?, &Plain(3));
        Ok(())
    })
    .unwrap();
    assert_eq!(get(&heap, object), Plain(4));
    heap.atomically(|tx| {
        tx.delete(object)?;
        assert_eq!(tx.read(object), Err(AccessError::Deleted));
        assert_eq!(tx.write(object, Plain(5)), Err(AccessError::Deleted));
        assert_eq!(tx.delete(object), Err(AccessError::Deleted));
        Ok(())
    })
    .unwrap();
    assert_eq!(heap.snapshot(|s| s.read(object).cloned()), Err(AccessError::Deleted));
}

#[test]
fn roots_are_named_objects_of_a_lineage() {
    let heap = Heap::new();
    let text = create(&heap, note("a"));
    assert_eq!(heap.snapshot(|s| s.root::<v1::Note>("text")), Ok(None));
    heap.atomically(|tx| Ok(tx.set_root("text", text))).unwrap();
    assert_eq!(heap.snapshot(|s| s.root("text")), Ok(Some(text)));
    let wrong = heap.snapshot(|s| s.root::<Plain>("text"));
    assert!(matches!(wrong, Err(AccessError::WrongType(_))), "{wrong:?}");
    // A root stays through upgrades: it names the object, whatever version it has.
    finish(&heap.upgrade(local_plan()).unwrap());
    assert_eq!(heap.atomically(|tx| Ok(tx.root::<Note>("text")?)), Ok(Some(text.cast())));
    let then = heap.hold();
    heap.atomically(|tx| Ok(assert!(tx.remove_root("text") && !tx.remove_root("text")))).unwrap();
    assert_eq!(heap.snapshot(|s| s.root::<Note>("text")), Ok(None));
    assert_eq!(then.read(|s| s.root("text")), Ok(Some(text.cast::<Note>())));
}

/// Two that look for a root and set it: one is first, the other finds it.
#[test]
fn who_sets_a_root_conflicts_with_who_has_looked_for_it() {
    let heap = Heap::new();
    let get_or_set = |pause: &dyn Fn()| {
        heap.atomically(|tx| {
            if let Some(root) = tx.root::<Plain>("it")? {
                return Ok(root);
            }
            let new = tx.create(Plain(1))?;
            tx.set_root("it", new);
            pause();
            Ok(new)
        })
        .unwrap()
    };
    let winner = Mutex::new(None);
    let found = get_or_set(&|| {
        let mut winner = winner.lock().unwrap();
        if winner.is_none() {
            let rival = elsewhere(|| create(&heap, Plain(2)));
            *winner = Some(rival);
            let set = |tx: &upgradable::Tx<'_>| Ok(tx.set_root("it", rival));
            elsewhere(|| heap.atomically(set).unwrap());
        }
    });
    assert_eq!(Some(found), winner.into_inner().unwrap());
}

#[test]
fn heaps_are_worlds_of_their_own() {
    let (one, two) = (Heap::new(), Heap::new());
    let a = create(&one, note("one"));
    let b = create(&two, note("two"));
    finish(&one.upgrade(local_plan()).unwrap());
    assert_eq!(get(&one, a.cast::<Note>()).stars, 2);
    assert_eq!(get(&two, b), note("two"));
    assert_eq!(two.snapshot(|s| s.read(a).cloned()), Err(AccessError::Foreign));
    // A transaction of one inside a transaction of the other.
    one.atomically(|tx| {
        tx.modify(a.cast::<Note>(), |note| note.stars = 3)?;
        two.atomically(|tx| Ok(tx.write(b, note("2"))?)).unwrap();
        Ok(())
    })
    .unwrap();
    assert_eq!((get(&one, a.cast::<Note>()).stars, get(&two, b)), (3, note("2")));
}

// --- errors --------------------------------------------------------------------------------------

/// One object asked for as everything that it is not; through each operation.
#[test]
fn every_way_not_to_have_an_object_has_its_error() {
    fn all<T: Upgradable>(heap: &Heap, object: Ref<T>, value: &T) -> AccessError {
        let seen = heap.snapshot(|s| s.read(object).map(drop)).unwrap_err();
        heap.atomically(|tx| {
            assert_eq!(tx.read(object).map(drop), Err(seen.clone()));
            assert_eq!(tx.write(object, value.clone()), Err(seen.clone()));
            assert_eq!(tx.modify(object, |_| ()), Err(seen.clone()));
            assert_eq!(tx.replace(object, value.clone()).map(drop), Err(seen.clone()));
            Ok(())
        })
        .unwrap();
        seen
    }
    let new = Note { text: String::new(), stars: 1 };
    let heap = Heap::new();
    let text = create(&heap, note("a"));
    let plain = create(&heap, Plain(1));
    let found = all(&heap, text.cast::<Note>(), &new);
    assert!(matches!(found, AccessError::NotYet(_)), "{found:?}");
    let found = all(&heap, Ref::<v1::Note>::from_bits(plain.to_bits()), &note("b"));
    assert!(matches!(found, AccessError::WrongType(_)), "{found:?}");
    finish(&heap.upgrade(local_plan()).unwrap());
    let found = all(&heap, text, &note("b"));
    assert!(matches!(found, AccessError::StaleType(_)), "{found:?}");
    let AccessError::StaleType(mismatch) = found else { unreachable!() };
    assert_eq!((mismatch.wanted.number(), mismatch.found.number()), (1, 2));
    let foreign = create(&Heap::new(), Plain(1));
    assert_eq!(all(&heap, foreign, &Plain(2)), AccessError::Foreign);
    assert_eq!(all(&heap, Ref::from_bits(0), &Plain(2)), AccessError::Foreign);
    assert_eq!(all(&heap, Ref::from_bits(u64::MAX), &Plain(2)), AccessError::Foreign);
    heap.atomically(|tx| Ok(tx.delete(plain)?)).unwrap();
    assert_eq!(all(&heap, plain, &Plain(2)), AccessError::Deleted);
    let clash = heap.atomically(|tx| Ok(tx.create(clash::Plain { text: "a".into() })?));
    let clash = clash.unwrap_err();
    assert!(matches!(
        clash,
        TxError::Access(AccessError::NotYet(_) | AccessError::Unregistered(_))
    ));
}

#[test]
fn an_object_is_unborn_before_its_time() {
    let heap = Heap::new();
    let before = heap.hold();
    let object = create(&heap, Plain(1));
    assert_eq!(before.read(|s| s.read(object).cloned()), Err(AccessError::Unborn));
    let mut undone = None;
    let cancelled = heap.try_atomically(|tx| {
        undone = Some(tx.create(Plain(2))?);
        Err::<(), _>(Abort::Cancel("no"))
    });
    assert_eq!(cancelled, Err(TxError::Cancelled("no")));
    let found = heap.snapshot(|s| s.read(undone.unwrap()).cloned()).unwrap_err();
    assert!(matches!(found, AccessError::Unborn | AccessError::Deleted), "{found:?}");
}

// --- identity ------------------------------------------------------------------------------------

/// Thousands of objects come and go in the same places, through upgrades and back: a reference
/// never shows another object's data.
#[test]
fn a_reference_names_its_object_for_ever() {
    let heap = Heap::new();
    let kept = create(&heap, note("kept"));
    let mut gone = Vec::new();
    for round in 0..6 {
        for n in 0..500 {
            let object = create(&heap, note(&format!("{round} {n}")));
            heap.atomically(|tx| Ok(tx.delete(object)?)).unwrap();
            gone.push(object);
        }
        heap.reclaim();
        let running = heap.upgrade(local_plan()).unwrap();
        let brief = create(&heap, Note { text: "brief".into(), stars: 0 });
        assert_eq!(get(&heap, kept.cast::<Note>()).text, "kept");
        heap.atomically(|tx| Ok(tx.delete(brief)?)).unwrap();
        gone.push(brief.cast());
        running.roll_back().unwrap().wait().unwrap();
        assert_eq!(get(&heap, kept), note("kept"));
    }
    let all: HashSet<_> = gone.iter().copied().collect();
    assert_eq!(all.len(), gone.len(), "no two objects have had one name");
    heap.snapshot(|s| {
        for object in gone {
            assert_eq!(s.read(object).cloned(), Err(AccessError::Deleted));
        }
        assert_eq!(s.objects::<v1::Note>().collect::<Vec<_>>(), [kept]);
    });
}

// --- transactions --------------------------------------------------------------------------------

#[test]
fn parts_of_transactions_compose() {
    let heap = Heap::new();
    let (a, b) = (create(&heap, Plain(0)), create(&heap, Plain(5)));
    let take = |tx: &upgradable::Tx<'_>, from: Ref<Plain>| -> Stm<u32> {
        tx.write(b, Plain(99))?;
        let left = tx.read(from)?.0;
        tx.check(left > 0)?;
        tx.write(from, Plain(left - 1))?;
        Ok(left)
    };
    let taken = heap.atomically(|tx| {
        tx.or_else(
            |tx| take(tx, a),
            |tx| {
                Ok(tx.modify(b, |b| {
                    b.0 -= 1;
                    b.0
                })?)
            },
        )
    });
    assert_eq!(taken, Ok(4), "what the first has written is undone");
    let kept = heap.atomically(|tx| {
        let part = tx.nested(|tx| -> Stm<()> {
            tx.write(a, Plain(7))?;
            Err(Interrupt::Access(AccessError::Deleted))
        });
        assert!(part.is_err());
        Ok(tx.read(a)?.0)
    });
    assert_eq!(kept, Ok(0));
}

#[test]
fn retry_sleeps_until_an_object_changes_and_wakes_in_a_new_version() {
    watched(|| {
        let heap = Heap::new();
        let text = create(&heap, note(""));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| {
                heap.atomically(|tx| match tx.read(text) {
                    Ok(old) => tx.check(!old.text.is_empty()).map(|()| 1).map_err(Into::into),
                    Err(AccessError::StaleType(_)) => {
                        let new = tx.read(text.cast::<Note>())?;
                        Ok(tx.check(!new.text.is_empty()).map(|()| 2)?)
                    }
                    Err(error) => Err(error.into()),
                })
            });
            std::thread::sleep(Duration::from_millis(10));
            heap.upgrade(local_plan()).unwrap();
            let write = |note: &mut Note| note.text.push('!');
            heap.atomically(|tx| Ok(tx.modify(text.cast(), write)?)).unwrap();
            assert_eq!(waits.join().unwrap(), Ok(2));
        });
        let never = heap.transaction().timeout(Duration::from_millis(5)).run(|tx| {
            tx.read(text.cast::<Note>())?;
            Err::<(), Abort<()>>(tx.retry().into())
        });
        assert_eq!(never.unwrap_err(), TxError::TimedOut);
        let idle = heap.atomically(|tx| Ok(tx.check(false)?));
        assert_eq!(idle, Err(TxError::NothingToWaitFor));
    });
}

#[test]
fn handlers_run_once_after_their_transaction() {
    use std::sync::Arc;
    let heap = Heap::new();
    let object = create(&heap, Plain(1));
    let (committed, undone) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut first = true;
    heap.atomically(|tx| {
        let (committed, undone, heap) = (committed.clone(), undone.clone(), heap.clone());
        tx.modify(object, |plain| plain.0 += 1)?;
        tx.after_commit({
            let heap = heap.clone();
            move || {
                heap.atomically(|tx| Ok(tx.modify(object, |plain| plain.0 += 10)?)).unwrap();
                committed.fetch_add(1, Ordering::Relaxed);
            }
        });
        tx.after_abort(move || {
            undone.fetch_add(1, Ordering::Relaxed);
        });
        if std::mem::take(&mut first) {
            elsewhere(|| {
                heap.atomically(|tx| Ok(tx.modify(object, |plain| plain.0 += 100)?)).unwrap();
            });
        }
        Ok(())
    })
    .unwrap();
    assert_eq!((committed.load(Ordering::Relaxed), undone.load(Ordering::Relaxed)), (1, 1));
    assert_eq!(get(&heap, object), Plain(112));
}

#[test]
fn a_transaction_inside_a_transaction_is_refused() {
    let heap = Heap::new();
    let object = create(&heap, Plain(1));
    heap.atomically(|tx| {
        tx.write(object, Plain(2))?;
        let inner = heap.atomically(|tx| Ok(tx.write(object, Plain(3))?));
        assert_eq!(inner, Err(TxError::Nested));
        assert_eq!(heap.snapshot(|s| s.read(object).cloned()), Ok(Plain(1)), "a look is allowed");
        Ok(())
    })
    .unwrap();
    assert_eq!(get(&heap, object), Plain(2));
}

#[test]
fn a_panic_undoes_the_transaction() {
    let heap = Heap::new();
    let object = create(&heap, Plain(1));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        heap.atomically(|tx| -> Stm<()> {
            tx.write(object, Plain(2))?;
            panic_quietly()
        })
    }));
    assert!(panicked.is_err());
    let half = heap.atomically(|tx| {
        let change = |plain: &mut Plain| {
            plain.0 = 3;
            panic_quietly();
        };
        let caught = catch_unwind(AssertUnwindSafe(|| tx.modify(object, change)));
        assert!(caught.is_err());
        Ok(())
    });
    assert_eq!(half, Err(TxError::HalfModified));
    let panicked = catch_unwind(AssertUnwindSafe(|| heap.snapshot(|_| panic_quietly())));
    assert!(panicked.is_err());
    assert_eq!(get(&heap, object), Plain(1));
    finish(
        &heap.upgrade(Upgrade::to("again").refresh::<Plain>().background(Background::Off)).unwrap(),
    );
}

#[test]
fn a_held_snapshot_shows_its_instant_from_every_thread() {
    let heap = Heap::new();
    let object = create(&heap, note("then"));
    let then = heap.hold();
    let running = heap.upgrade(local_plan()).unwrap();
    heap.atomically(|tx| Ok(tx.delete(object.cast::<Note>())?)).unwrap();
    finish(&running);
    heap.reclaim();
    let also = then.clone();
    drop(then);
    assert_eq!(elsewhere(|| also.read(|s| s.read(object).cloned())), Ok(note("then")));
    assert!(also.at() < heap.now());
}
