//! The life of an upgrade, from end to end, as a user meets it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use upgradable::{
    AccessError, Background, Cx, Heap, Pace, Profile, Ref, TransformError, Upgradable, Upgrade,
    UpgradeFrom, UpgradeState,
};

mod v1 {
    use upgradable::{Ref, Upgradable};

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Account")]
    pub(crate) struct Account {
        pub(crate) owner: String,
        pub(crate) cents: i64,
        pub(crate) legacy: u16,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Person")]
    pub(crate) struct Person {
        pub(crate) name: String,
        pub(crate) street: String,
        pub(crate) account: Ref<Account>,
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Account", version = 2, from = v1::Account, removed(legacy = 0))]
struct Account {
    owner: String,
    #[upgrade(from = "cents", with = |cents: &i64| *cents * 10, back = |mills: &i64| *mills / 10)]
    mills: i64,
    #[upgrade(default)]
    frozen: bool,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
struct Address {
    street: String,
}

/// Split: the street becomes an object of its own; and reads the account.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Person", version = 2, from = v1::Person, manual)]
struct Person {
    name: String,
    address: Ref<Address>,
    account: Ref<Account>,
    was_rich: bool,
}

impl UpgradeFrom<v1::Person> for Person {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::Person, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let address = cx.create(Address { street: old.street.clone() })?;
        let was_rich = cx.read(old.account)?.cents > 1_000;
        Ok(Self { name: old.name.clone(), address, account: old.account.cast(), was_rich })
    }

    fn put(
        new: &Self,
        _: Option<&v1::Person>,
        cx: &mut Cx<'_>,
    ) -> Result<v1::Person, TransformError> {
        let street = cx.read(new.address)?.street.clone();
        Ok(v1::Person { name: new.name.clone(), street, account: new.account.cast() })
    }
}

fn account(owner: usize, cents: i64) -> v1::Account {
    v1::Account { owner: owner.to_string(), cents, legacy: 7 }
}

fn plan() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Account, Account>().migrate::<v1::Person, Person>()
}

fn bank(accounts: usize) -> (Heap, Vec<Ref<v1::Account>>) {
    let heap = Heap::new();
    let refs =
        heap.atomically(|tx| (0..accounts).map(|n| Ok(tx.create(account(n, n as i64))?)).collect());
    (heap, refs.unwrap())
}

#[test]
fn every_object_is_transformed_once_and_everything_else_goes_on() {
    let (heap, accounts) = bank(1_000);
    let before = heap.hold();
    let running = heap.upgrade(plan()).unwrap();
    for (n, account) in accounts.iter().enumerate() {
        heap.snapshot(|s| {
            let account = s.read(account.cast::<Account>()).unwrap();
            assert_eq!((account.mills, account.frozen), (n as i64 * 10, false));
        });
    }
    running.wait().unwrap();
    assert_eq!(running.progress().transformed(), 1_000);
    assert_eq!(before.read(|s| s.read(accounts[5]).cloned()), Ok(account(5, 5)));
    let stale = heap.snapshot(|s| s.read(accounts[5]).cloned());
    assert!(matches!(stale, Err(AccessError::StaleType(_))), "{stale:?}");
    let stale = heap.atomically(|tx| Ok(tx.create(account(1, 1))?)).unwrap_err();
    assert!(matches!(stale.access(), Some(AccessError::StaleType(_))), "{stale:?}");
    running.promote().unwrap();
    assert_eq!(running.state(), UpgradeState::Promoted);
}

#[test]
fn transformers_read_as_of_the_flip_and_create() {
    let (heap, accounts) = bank(3);
    let people: Vec<Ref<v1::Person>> = heap
        .atomically(|tx| {
            let person = |n: usize| v1::Person {
                name: format!("person {n}"),
                street: format!("street {n}"),
                account: accounts[n],
            };
            (0..3).map(|n| Ok(tx.create(person(n))?)).collect()
        })
        .unwrap();
    heap.atomically(|tx| Ok(tx.modify(accounts[1], |a| a.cents = 5_000)?)).unwrap();
    let running = heap.upgrade(plan().background(Background::Off)).unwrap();
    // Changed, and touched, between the flip and the first touch of the person.
    heap.atomically(|tx| Ok(tx.modify(accounts[1].cast::<Account>(), |a| a.mills = 0)?)).unwrap();
    heap.atomically(|tx| Ok(tx.modify(accounts[2].cast::<Account>(), |a| a.mills = 90_000)?))
        .unwrap();
    heap.snapshot(|s| {
        let person = |n: usize| s.read(people[n].cast::<Person>()).unwrap();
        assert_eq!([0, 1, 2].map(|n| person(n).was_rich), [false, true, false]);
        assert_eq!(s.read(person(2).address).unwrap().street, "street 2");
        assert_eq!(s.objects::<Address>().count(), 3);
    });
    running.wait().unwrap();
    assert_eq!(heap.snapshot(|s| s.objects::<Address>().count()), 3);

    // And back: what was split comes together again, with what was written since.
    heap.atomically(|tx| {
        let address = tx.read(people[0].cast::<Person>())?.address;
        tx.modify(address, |address| address.street.push_str(", left"))?;
        tx.modify(people[0].cast::<Person>(), |person| person.name.push('!'))?;
        Ok(())
    })
    .unwrap();
    running.roll_back().unwrap().wait().unwrap();
    heap.snapshot(|s| {
        let person = s.read(people[0]).unwrap();
        assert_eq!((&*person.name, &*person.street), ("person 0!", "street 0, left"));
        assert_eq!(s.read(people[1]).unwrap().street, "street 1");
        assert_eq!(s.read(accounts[1]).unwrap().cents, 0);
        assert_eq!(s.read(accounts[0]).unwrap(), &account(0, 0));
        assert_eq!(s.objects::<Address>().count(), 0, "nothing refers to them any more");
    });
}

/// Ends the threads that look at the flag.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// (A snapshot that found an object of the undone version just when the sweeper had brought the
/// last one back was refused it: what the conversion needed had been let go.)
#[test]
fn a_total_stays_a_total_while_everything_happens() {
    let (heap, accounts) = bank(200);
    let stop = AtomicBool::new(false);
    let total: i64 = (0..200).sum();
    thread::scope(|scope| {
        // Also when something below fails.
        let _stop = Stop(&stop);
        for seed in 0..2_usize {
            let (heap, accounts, stop) = (&heap, &accounts, &stop);
            scope.spawn(move || {
                let mut n = seed;
                while !stop.load(Ordering::Relaxed) {
                    n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let (a, b) = (accounts[n >> 33 & 127], accounts[n >> 43 & 127]);
                    heap.atomically(|tx| {
                        // In whichever version this runs.
                        if tx.read(a).is_ok() {
                            tx.modify(a, |a| a.cents -= 1)?;
                            tx.modify(b, |b| b.cents += 1)?;
                        } else {
                            tx.modify(a.cast::<Account>(), |a| a.mills -= 10)?;
                            tx.modify(b.cast::<Account>(), |b| b.mills += 10)?;
                        }
                        Ok(())
                    })
                    .unwrap();
                }
            });
        }
        let sum = || {
            heap.snapshot(|s| {
                let mut kinds = [0; 2];
                let mut sum = 0;
                for &account in &accounts {
                    match s.read(account) {
                        Ok(account) => {
                            kinds[0] += 1;
                            sum += account.cents * 10;
                        }
                        Err(_) => {
                            kinds[1] += 1;
                            sum += s.read(account.cast::<Account>()).unwrap().mills;
                        }
                    }
                }
                assert!(kinds[0] == 0 || kinds[1] == 0, "one version each: {kinds:?}");
                sum
            })
        };
        for round in 0..20 {
            let running = heap.upgrade(plan().background(Background::On(Pace::Full))).unwrap();
            for _ in 0..5 {
                assert_eq!(sum(), total * 10);
            }
            if round % 2 == 0 {
                running.wait().unwrap();
            }
            let back = running.roll_back().unwrap();
            for _ in 0..5 {
                assert_eq!(sum(), total * 10);
            }
            back.wait().unwrap();
        }
    });
}
