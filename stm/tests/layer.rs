//! What a layer above is offered: the floor, touches, installs, eras, held instants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

#[path = "common/watchdog.rs"]
mod watchdog;

use upgradable_stm::layer::{Layer, Touch, Touched};
use upgradable_stm::{AccessError, CommitTs, Domain, Era, Handle, Kind, Seq};
use watchdog::watched;

/// Turns every number of the first era into a text, when it is touched later.
#[derive(Debug, Default)]
struct Texts {
    touches: Arc<AtomicUsize>,
    installs: Arc<AtomicUsize>,
}

fn flip() -> CommitTs {
    CommitTs::new(Era::FIRST.next().expect("there are many eras"), Seq::ZERO)
}

impl Layer for Texts {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        self.touches.fetch_add(1, Ordering::Relaxed);
        if touch.at() < flip() || touch.version().stamp >= flip() {
            return Touched::AsIs;
        }
        let Some(number) = touch.value::<u32>() else { return Touched::AsIs };
        if touch.install(flip(), number.to_string()).is_ok() {
            self.installs.fetch_add(1, Ordering::Relaxed);
        }
        Touched::Again
    }
}

fn upgrade(domain: &Domain) {
    let floor = |era| domain.set_floor(Kind::of::<u32>(), CommitTs::new(era, Seq::ZERO));
    domain.advance_era(floor).expect("an era left");
}

fn texts() -> (Domain, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let layer = Texts::default();
    let (touches, installs) = (Arc::clone(&layer.touches), Arc::clone(&layer.installs));
    let domain = Domain::builder().layer(layer).build().expect("few domains live");
    (domain, touches, installs)
}

fn numbers(domain: &Domain, count: u32) -> Vec<Handle> {
    (0..count).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect()
}

#[test]
fn without_a_floor_the_layer_is_never_asked() {
    let (domain, touches, _) = texts();
    let names = numbers(&domain, 10);
    for &name in &names {
        domain.snapshot(|s| s.get::<u32>(name).copied()).unwrap();
    }
    assert_eq!(touches.load(Ordering::Relaxed), 0);
}

#[test]
fn what_lies_below_the_floor_is_transformed_at_the_first_touch_and_once() {
    let (domain, _, installs) = texts();
    let names = numbers(&domain, 10);
    upgrade(&domain);
    for _ in 0..3 {
        for (n, &name) in names.iter().enumerate() {
            let text = domain.snapshot(|s| s.get::<String>(name).cloned());
            assert_eq!(text, Ok(n.to_string()));
        }
    }
    assert_eq!(installs.load(Ordering::Relaxed), 10);
    // And in transactions that write.
    domain.atomically(|tx| {
        let text = tx.update(names[3], |text: &mut String| {
            text.push('!');
            text.clone()
        });
        assert_eq!(text.as_deref(), Ok("3!"));
        Ok(())
    });
}

#[test]
fn a_transaction_of_the_old_era_sees_the_old_version() {
    let (domain, _, _) = texts();
    let name = numbers(&domain, 1)[0];
    let before = domain.hold();
    upgrade(&domain);
    assert_eq!(domain.snapshot(|s| s.get::<String>(name).cloned()).as_deref(), Ok("0"));
    assert_eq!(before.read(|s| s.get::<u32>(name).copied()), Ok(0));
}

#[test]
fn many_first_touches_at_once_install_one_version() {
    for _ in 0..50 {
        let (domain, _, installs) = texts();
        let name = numbers(&domain, 1)[0];
        upgrade(&domain);
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    let text = domain.snapshot(|s| s.get::<String>(name).cloned());
                    assert_eq!(text.as_deref(), Ok("0"));
                });
            }
        });
        assert_eq!(installs.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn a_touch_beside_writers_and_reclamation_loses_nothing() {
    let (domain, _, installs) = texts();
    let names = numbers(&domain, 500);
    upgrade(&domain);
    thread::scope(|scope| {
        for start in 0..3_usize {
            let (domain, names) = (&domain, &names);
            scope.spawn(move || {
                for at in 0..names.len() {
                    let name = names[(at + start * 170) % names.len()];
                    domain.atomically(|tx| {
                        Ok(tx.update(name, |text: &mut String| text.push('+')).unwrap())
                    });
                    if at % 50 == 0 {
                        domain.reclaim();
                    }
                }
            });
        }
    });
    assert_eq!(installs.load(Ordering::Relaxed), 500);
    for (n, &name) in names.iter().enumerate() {
        let text = domain.snapshot(|s| s.get::<String>(name).cloned());
        assert_eq!(text, Ok(format!("{n}+++")));
    }
}

#[test]
fn deleted_and_new_objects_below_and_above_the_floor() {
    let (domain, _, _) = texts();
    let names = numbers(&domain, 2);
    upgrade(&domain);
    domain.atomically(|tx| Ok(tx.delete(names[0]))).unwrap();
    assert_eq!(domain.snapshot(|s| s.get::<String>(names[0]).cloned()), Err(AccessError::Deleted));
    let new = domain.atomically(|tx| Ok(tx.create(String::from("new"))));
    assert_eq!(domain.snapshot(|s| s.get::<String>(new).cloned()).as_deref(), Ok("new"));
    assert_eq!(domain.snapshot(|s| s.version(names[1])).unwrap().kind, Kind::of::<String>());
}

/// Says that it has changed what it has not.
#[derive(Debug)]
struct Liar;

impl Layer for Liar {
    fn touch(&self, _: &mut Touch<'_>) -> Touched {
        Touched::Again
    }
}

#[test]
fn a_layer_that_changes_nothing_does_not_hang_anybody() {
    let domain = Domain::builder().layer(Liar).build().unwrap();
    let name = numbers(&domain, 1)[0];
    upgrade(&domain);
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Ok(0));
}

#[test]
fn an_install_over_what_is_not_newest_gives_the_value_back() {
    let domain = Domain::new();
    let name = numbers(&domain, 1)[0];
    let over = domain.snapshot(|s| s.version(name)).unwrap().stamp;
    domain.atomically(|tx| Ok(tx.put(name, 5_u32))).unwrap();
    let at = domain.now();
    assert_eq!(domain.install(name, over, at, String::from("x")).unwrap_err().0, "x");
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Ok(5));
}

/// Splits every number of the first era into itself as text and an object of its own.
#[derive(Debug)]
struct Splits {
    fail: bool,
}

impl Layer for Splits {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        let Some(&number) = touch.value::<u32>() else { return Touched::AsIs };
        if touch.at() < flip() || touch.version().stamp >= flip() {
            return Touched::AsIs;
        }
        let half = touch.create(u64::from(number));
        if self.fail {
            return Touched::AsIs;
        }
        let _ = touch.install(flip(), (number.to_string(), half));
        Touched::Again
    }
}

#[test]
fn objects_created_by_a_touch_come_with_what_it_installs() {
    let domain = Domain::builder().layer(Splits { fail: false }).build().unwrap();
    let names = numbers(&domain, 100);
    upgrade(&domain);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for (n, &name) in names.iter().enumerate() {
                    domain.snapshot(|s| {
                        let (text, half) = s.get::<(String, Handle)>(name).unwrap();
                        assert_eq!(*text, n.to_string());
                        assert_eq!(s.get::<u64>(*half), Ok(&(n as u64)));
                    });
                }
            });
        }
    });
    // The losers' objects never were.
    assert_eq!(domain.snapshot(|s| s.handles().count()), 200);
}

#[test]
fn objects_created_by_a_touch_that_installs_nothing_never_were() {
    let domain = Domain::builder().layer(Splits { fail: true }).build().unwrap();
    let name = numbers(&domain, 1)[0];
    upgrade(&domain);
    for _ in 0..3 {
        assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Ok(0));
    }
    assert_eq!(domain.snapshot(|s| s.handles().count()), 1);
}

#[test]
fn a_sweep_shows_what_is_below_the_floor_and_nothing_twice() {
    let (domain, touches, installs) = texts();
    let names = numbers(&domain, 1_000);
    let chars: Vec<_> = (0..50).map(|_| domain.atomically(|tx| Ok(tx.create('c')))).collect();
    upgrade(&domain);
    assert!(domain.slots() >= 1_050);
    for from in (0..domain.slots()).step_by(64) {
        domain.sweep(from..from + 64);
    }
    assert_eq!(installs.load(Ordering::Relaxed), 1_000);
    assert_eq!(touches.load(Ordering::Relaxed), 1_000, "other kinds have no floor");
    for &name in &names {
        domain.touch(name).unwrap();
    }
    assert_eq!(touches.load(Ordering::Relaxed), 1_000);
    assert_eq!(domain.snapshot(|s| s.get::<char>(chars[0]).copied()), Ok('c'));
}

/// Tries to begin an update while it is asked.
#[derive(Debug, Default)]
struct Meddler {
    domain: Mutex<Option<Domain>>,
    refused: AtomicUsize,
}

impl Layer for Shared {
    fn touch(&self, _: &mut Touch<'_>) -> Touched {
        let Some(domain) = self.0.domain.lock().unwrap().clone() else { return Touched::AsIs };
        assert!(domain.is_updating());
        if domain.try_atomically::<(), ()>(|_| Ok(())) == Err(upgradable_stm::TxError::Nested) {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
        }
        Touched::AsIs
    }
}

#[derive(Debug)]
struct Shared(Arc<Meddler>);

#[test]
fn updates_begun_while_the_layer_is_asked_are_refused() {
    let meddler = Arc::new(Meddler::default());
    let domain = Domain::builder().layer(Shared(Arc::clone(&meddler))).build().unwrap();
    let name = numbers(&domain, 1)[0];
    upgrade(&domain);
    *meddler.domain.lock().unwrap() = Some(domain.clone());
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Ok(0));
    domain.atomically(|tx| Ok(tx.put(name, 5_u32))).unwrap();
    assert_eq!(meddler.refused.load(Ordering::Relaxed), 2);
    assert!(!domain.is_updating());
    // The domain is in its own layer: taken out, so that it ends.
    meddler.domain.lock().unwrap().take();
    domain.atomically(|tx| Ok(tx.put(name, 6_u32))).unwrap();
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Ok(6));
}

/// Lets nobody see numbers of the first era.
#[derive(Debug)]
struct Refuser;

impl Layer for Refuser {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.at() < flip() { Touched::AsIs } else { Touched::Refused }
    }
}

#[test]
fn what_the_layer_refuses_can_be_deleted_and_nothing_else() {
    let domain = Domain::builder().layer(Refuser).build().unwrap();
    let name = numbers(&domain, 1)[0];
    let before = domain.hold();
    upgrade(&domain);
    let refused = Err(AccessError::Refused);
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), refused);
    assert_eq!(domain.snapshot(|s| s.version(name).map(|_| 0)), refused);
    domain.atomically(|tx| {
        assert_eq!(tx.get::<u32>(name).copied(), refused);
        assert_eq!(tx.put(name, 5_u32), Err(AccessError::Refused));
        assert_eq!(tx.update(name, |n: &mut u32| *n), refused);
        Ok(())
    });
    assert_eq!(before.read(|s| s.get::<u32>(name).copied()), Ok(0));
    assert_eq!(domain.touch(name), Err(AccessError::Refused));
    domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
    assert_eq!(domain.snapshot(|s| s.get::<u32>(name).copied()), Err(AccessError::Deleted));
}

/// Tells the name of what it creates, and creates it when it is told to.
#[derive(Debug)]
struct Announces {
    name: Mutex<mpsc::Sender<Handle>>,
    go: Mutex<mpsc::Receiver<()>>,
}

impl Layer for Announces {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.value::<&str>().is_none() {
            return Touched::AsIs;
        }
        let part = touch.create(7_u8);
        self.name.lock().unwrap().send(part).unwrap();
        self.go.lock().unwrap().recv().unwrap();
        touch.install(flip(), part).unwrap();
        Touched::Again
    }
}

/// Who had the name of an object before a touch created it, and waited for the object, was not woken
/// when it came to be.
#[test]
fn who_waits_for_what_a_touch_creates_is_woken() {
    watched(|| {
        let (name, names) = mpsc::channel();
        let (go, gone) = mpsc::channel();
        let layer = Announces { name: Mutex::new(name), go: Mutex::new(gone) };
        let domain = Domain::builder().layer(layer).build().unwrap();
        let whole = domain.atomically(|tx| Ok(tx.create("whole")));
        domain.advance_era(|_| domain.set_floor(Kind::of::<&str>(), flip())).unwrap();
        thread::scope(|scope| {
            let toucher = scope.spawn(|| domain.touch(whole));
            let part = names.recv().unwrap();
            let domain = &domain;
            let waiter = scope.spawn(move || {
                domain.atomically(|tx| tx.get::<u8>(part).copied().map_err(|_| tx.retry()))
            });
            while domain.stats().blocked == 0 {
                thread::yield_now();
            }
            // It sleeps by now, most likely.
            thread::sleep(Duration::from_millis(20));
            go.send(()).unwrap();
            assert_eq!(waiter.join().unwrap(), 7);
            toucher.join().unwrap().unwrap();
        });
    });
}
