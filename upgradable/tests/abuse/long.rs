//! What is large, and what takes long: a hundred thousand objects in one transaction, and a reader
//! beside whom upgrades come and go. `READER_SECONDS=600` makes him stay for ten minutes.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use upgradable::{
    Background, Cx, Heap, Pace, Profile, Ref, TransformError, Upgradable, Upgrade, UpgradeFrom,
};

mod v1 {
    use std::sync::Arc;

    use upgradable::Upgradable;

    /// The second field counts the values that there are.
    #[derive(Upgradable, Clone, Debug)]
    #[upgrade(name = "abuse.Long")]
    pub(crate) struct Long(pub(crate) u64, pub(crate) Arc<()>);
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "abuse.Long", version = 2, from = v1::Long, manual)]
struct Long(u64, Arc<()>);

impl UpgradeFrom<v1::Long> for Long {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &v1::Long, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self(old.0 * 2, Arc::clone(&old.1)))
    }

    fn put(new: &Self, _: Option<&v1::Long>, _: &mut Cx<'_>) -> Result<v1::Long, TransformError> {
        Ok(v1::Long(new.0 / 2, Arc::clone(&new.1)))
    }
}

fn create(heap: &Heap, count: u64, alive: &Arc<()>) -> Vec<Ref<v1::Long>> {
    let create = |tx: &upgradable::Tx<'_>| {
        (0..count).map(|n| Ok(tx.create(v1::Long(n, Arc::clone(alive)))?)).collect()
    };
    heap.atomically(create).unwrap()
}

#[test]
fn a_hundred_thousand_objects_in_one_transaction() {
    const COUNT: u64 = if cfg!(chaos) { 10_000 } else { 100_000 };
    let (heap, alive) = (Heap::new(), Arc::new(()));
    let objects = create(&heap, COUNT, &alive);
    // The usual pace rests most of the time, and the longer the busier the machine is.
    let plan = Upgrade::to("2").migrate::<v1::Long, Long>();
    let running = heap.upgrade(plan.background(Background::On(Pace::Full))).unwrap();
    heap.atomically(|tx| {
        for object in &objects {
            tx.modify(object.cast::<Long>(), |long| long.0 += 2)?;
        }
        Ok(())
    })
    .unwrap();
    running.roll_back().unwrap().wait().unwrap();
    let sum = heap.snapshot(|s| objects.iter().map(|&o| s.read(o).unwrap().0).sum::<u64>());
    assert_eq!(sum, COUNT * (COUNT - 1) / 2 + COUNT);
    heap.atomically(|tx| Ok(objects.iter().try_for_each(|&object| tx.delete(object))?)).unwrap();
    drop((running, heap));
    // The background migration may hold the heap for a moment yet.
    let until = Instant::now() + Duration::from_secs(60);
    while Arc::strong_count(&alive) > 1 {
        assert!(Instant::now() < until, "something is left");
        thread::sleep(Duration::from_millis(1));
    }
}

/// He sees what he saw, however long he stays, and keeps a bounded number of values.
#[test]
fn a_reader_who_stays() {
    const COUNT: u64 = 200;
    /// What he sees, what is newest, and what lies between and has not been dropped yet, however many
    /// rounds there were. (It was two for each round and object.)
    const MOST: usize = 8 * COUNT as usize;
    let seconds = std::env::var("READER_SECONDS").map_or(1.0, |value| value.parse().unwrap());
    let (heap, alive) = (Heap::new(), Arc::new(()));
    let objects = create(&heap, COUNT, &alive);
    let until = Instant::now() + Duration::from_secs_f64(seconds);
    let (left, rounds) = thread::scope(|scope| {
        let (begin, begun) = mpsc::channel();
        let (heap, alive, objects) = (&heap, &alive, &objects);
        let others = scope.spawn(move || {
            begun.recv().unwrap();
            let mut rounds = 0;
            loop {
                for &object in objects {
                    heap.atomically(|tx| Ok(tx.modify(object, |long| long.0 += 1)?)).unwrap();
                }
                let running = heap.upgrade(Upgrade::to("2").migrate::<v1::Long, Long>()).unwrap();
                running.wait().unwrap();
                running.roll_back().unwrap().wait().unwrap();
                rounds += 1;
                if Instant::now() >= until {
                    break;
                }
            }
            // What has not been dropped yet is dropped soon, with the reader there.
            let until = Instant::now() + Duration::from_secs(60);
            while Arc::strong_count(alive) > MOST && Instant::now() < until {
                heap.reclaim();
                thread::yield_now();
            }
            (Arc::strong_count(alive), rounds)
        });
        heap.snapshot(|s| {
            begin.send(()).unwrap();
            while !others.is_finished() {
                for (n, &object) in (0..).zip(objects) {
                    assert_eq!(s.read(object).unwrap().0, n);
                }
                thread::sleep(Duration::from_millis(1));
            }
        });
        others.join().unwrap()
    });
    assert!(left <= MOST, "{left} values are left of {rounds} rounds");
    heap.reclaim();
    let now = heap.snapshot(|s| s.read(objects[7]).unwrap().0);
    assert_eq!(now, 7 + rounds);
}
