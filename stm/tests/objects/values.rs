//! Values: of every size and alignment they come out as they went in.

use std::fmt::Debug;
use std::thread;

use upgradable_stm::{Domain, Kind};

use super::{Census, watched};

/// Writes and reads several versions of a variable and of an object, with old versions alive.
fn round_trips<T>(make: impl Fn(u8) -> T)
where
    T: Clone + Debug + PartialEq + Send + Sync + 'static,
{
    let domain = Domain::new();
    let aligned = |value: &T| {
        assert!(std::ptr::from_ref(value).is_aligned(), "{}", std::any::type_name::<T>());
    };
    let neighbours: Vec<_> = (0..70).map(|n| domain.tvar(make(n))).collect();
    let x = domain.tvar(make(0));
    let name = domain.atomically(|tx| Ok(tx.create(make(0))));
    let mut held = vec![domain.hold()];
    for n in 1..10 {
        domain.atomically(|tx| {
            tx.write(&x, make(100));
            aligned(tx.read(&x));
            tx.modify(&x, |value| {
                aligned(value);
                *value = make(n);
            });
            tx.put(name, make(n)).unwrap();
            assert_eq!((tx.read(&x), tx.get(name)), (&make(n), Ok(&make(n))));
            Ok(())
        });
        if n % 3 == 0 {
            held.push(domain.hold());
        }
        domain.reclaim();
    }
    for (snapshot, n) in held.into_iter().zip([0, 3, 6, 9]) {
        snapshot.read(|s| {
            let (var, object) = (s.read(&x), s.get::<T>(name).unwrap());
            assert_eq!((var, object), (&make(n), &make(n)));
            aligned(var);
            aligned(object);
        });
    }
    domain.reclaim();
    assert_eq!(domain.versions(&x), 1);
    domain.snapshot(|s| {
        for (var, n) in neighbours.iter().zip(0..) {
            aligned(s.read(var));
            assert_eq!(s.read(var), &make(n), "the neighbours are as they were");
        }
    });
}

#[test]
fn of_no_size() {
    #[derive(Clone, Debug, PartialEq)]
    struct Unit;
    round_trips(|_| ());
    round_trips(|_| Unit);
    round_trips(|_| [0_u64; 0]);
}

#[test]
fn of_all_small_sizes() {
    macro_rules! sizes {
        ($($size:literal)*) => { $(round_trips(|n| [n; $size]);)* };
    }
    sizes!(1 2 3 4 5 7 8 9 12 15 16 17 24 31 32 33 48 64);
}

#[test]
fn of_sizes_around_the_one_that_is_boxed() {
    macro_rules! sizes {
        ($($size:literal)*) => { $(round_trips(|n| [n; $size]);)* };
    }
    sizes!(432 446 447 448 449 450 464 4096);
    round_trips(|n| [u64::from(n); 55]);
    round_trips(|n| [u64::from(n); 56]);
    round_trips(|n| [u64::from(n); 57]);
}

#[test]
fn of_a_megabyte() {
    round_trips(|n| vec![n; 1 << 20].into_boxed_slice());
    // The array itself goes through the stack, some twenty times without optimisation.
    let roomy = thread::Builder::new().stack_size(128 << 20);
    roomy.spawn(|| round_trips(|n| [[n; 1024]; 1024])).unwrap().join().unwrap();
}

macro_rules! aligned {
    ($name:ident, $align:literal) => {
        #[derive(Clone, Debug, PartialEq)]
        #[repr(align($align))]
        struct $name<T>(T);
    };
}
aligned!(Align16, 16);
aligned!(Align32, 32);
aligned!(Align64, 64);
aligned!(Align4096, 4096);

#[test]
fn of_all_alignments() {
    round_trips(u16::from);
    round_trips(u64::from);
    round_trips(u128::from);
    round_trips(Align16);
    round_trips(|n| Align16([n; 100]));
    round_trips(Align32);
    round_trips(|n| Align64([n; 100]));
    round_trips(Align4096);
}

#[test]
fn of_no_size_and_any_alignment() {
    round_trips(|_| Align16(()));
    round_trips(|_| Align64(()));
    round_trips(|_| Align4096(()));
}

#[test]
fn with_pointers_of_their_own() {
    round_trips(|n| n.to_string());
    round_trips(|n| vec![n.to_string(); 3]);
    round_trips(|n| Some(Box::new(n)));
    round_trips(std::sync::Arc::new);
    round_trips(|n| (n.to_string(), [n; 500], Some(n)));
}

/// Large or aligned values live in boxes; each box is freed once.
#[test]
fn of_every_layout_are_dropped_once() {
    fn dropped_once<T: Clone + Send + Sync + 'static>(
        wrap: impl Fn(super::census::Counted<u8>) -> T,
    ) {
        let census = Census::default();
        let domain = Domain::new();
        let make = |n| wrap(census.count(n));
        let x = domain.tvar(make(0));
        let name = domain.atomically(|tx| Ok(tx.create(make(0))));
        for n in 1..100 {
            domain.atomically(|tx| {
                tx.write(&x, make(n));
                tx.read(&x);
                tx.modify(&x, |_| ());
                tx.put(name, make(n)).map_err(|_| tx.retry())
            });
        }
        domain.reclaim();
        assert_eq!(census.alive(), 2);
        drop(x);
        domain.reclaim();
        assert_eq!(census.alive(), 1);
        drop(domain);
        assert_eq!(census.alive(), 0);
    }
    dropped_once(|it| it);
    dropped_once(Align16);
    dropped_once(Align64);
    dropped_once(Align4096);
    dropped_once(|it| (it, [0_u8; 400]));
    dropped_once(|it| (it, [0_u8; 1000]));
    dropped_once(Box::new);
}

#[test]
fn of_many_types_live_side_by_side() {
    watched(|| {
        let domain = Domain::new();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for round in 0..300 {
                        let names = domain.atomically(|tx| {
                            Ok([
                                tx.create(round),
                                tx.create(round.to_string()),
                                tx.create([round as u8; 449]),
                                tx.create(()),
                                tx.create(Align64(round)),
                            ])
                        });
                        domain.snapshot(|s| {
                            assert_eq!(s.get::<i32>(names[0]), Ok(&round));
                            assert_eq!(s.get::<String>(names[1]), Ok(&round.to_string()));
                            assert_eq!(s.get::<[u8; 449]>(names[2]), Ok(&[round as u8; 449]));
                            assert_eq!(s.get::<()>(names[3]), Ok(&()));
                            assert_eq!(s.get::<Align64<i32>>(names[4]), Ok(&Align64(round)));
                            assert!(s.get::<i32>(names[1]).is_err());
                        });
                        for name in names {
                            domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
                        }
                    }
                });
            }
        });
        assert_eq!(domain.snapshot(|s| s.handles().count()), 0);
    });
}

/// An object whose value becomes another type is put at the flip; slots are as large as the first.
#[test]
fn of_a_larger_type_than_the_first() {
    let domain = Domain::new();
    let name = domain.atomically(|tx| Ok(tx.create(1_u8)));
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    let flip = domain.advance_era(|_| {}).unwrap().flip;
    domain.install(name, over, flip, [7_u64; 50]).unwrap();
    for n in 0..10 {
        domain.atomically(|tx| Ok(tx.update(name, |large: &mut [u64; 50]| large[49] = n))).unwrap();
        domain.reclaim();
    }
    let value = domain.snapshot(|s| *s.get::<[u64; 50]>(name).unwrap());
    assert_eq!((value[0], value[48], value[49]), (7, 7, 9));
}

#[test]
fn kinds_tell_types_apart() {
    #[derive(Clone, Copy)]
    struct One;
    #[derive(Clone, Copy)]
    struct Two;
    let (one, two) = (Kind::of::<One>(), Kind::of::<Two>());
    assert_eq!((one, two), (Kind::of::<One>(), Kind::of::<Two>()));
    assert_ne!(one, two);
    assert!(one.is::<One>() && !one.is::<Two>());
    assert!(one.name().ends_with("One"), "{}", one.name());
    assert_ne!(Kind::of::<Vec<One>>(), Kind::of::<Vec<Two>>());
}

#[test]
fn kinds_are_the_same_to_all_threads() {
    struct Fresh<const N: usize>;
    fn kinds() -> [Kind; 4] {
        [
            Kind::of::<Fresh<0>>(),
            Kind::of::<Fresh<1>>(),
            Kind::of::<Fresh<2>>(),
            Kind::of::<Fresh<3>>(),
        ]
    }
    let all = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(kinds)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(all.iter().all(|of_thread| *of_thread == kinds()));
}
