//! One object that becomes several, and several that become one, and how they come back.

use super::*;

mod whole {
    use upgradable::{Ref, Upgradable};

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Person")]
    pub(crate) struct Person {
        pub(crate) name: String,
        pub(crate) street: String,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Pair")]
    pub(crate) struct Pair {
        pub(crate) left: Ref<Half>,
        pub(crate) right: Ref<Half>,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Half")]
    pub(crate) struct Half(pub(crate) u32);
}

use whole::Half;

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Address")]
struct Address {
    street: String,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Person", version = 2, from = whole::Person, manual)]
struct Person {
    name: String,
    address: Ref<Address>,
}

impl UpgradeFrom<whole::Person> for Person {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &whole::Person, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let address = cx.create(Address { street: old.street.clone() })?;
        Ok(Self { name: old.name.clone(), address })
    }

    fn put(
        new: &Self,
        _: Option<&whole::Person>,
        cx: &mut Cx<'_>,
    ) -> Result<whole::Person, TransformError> {
        let street = cx.read(new.address)?.street.clone();
        Ok(whole::Person { name: new.name.clone(), street })
    }
}

/// The pair becomes one object; the halves stay, for they may have other friends.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Pair", version = 2, from = whole::Pair, manual)]
struct Pair {
    sum: u32,
}

impl UpgradeFrom<whole::Pair> for Pair {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &whole::Pair, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { sum: cx.read(old.left)?.0 + cx.read(old.right)?.0 })
    }

    fn put(
        new: &Self,
        old: Option<&whole::Pair>,
        cx: &mut Cx<'_>,
    ) -> Result<whole::Pair, TransformError> {
        if let Some(old) = old {
            let sum = cx.read(old.left)?.0 + cx.read(old.right)?.0;
            if sum == new.sum {
                return Ok(old.clone());
            }
        }
        let (left, right) = (cx.create(Half(new.sum))?, cx.create(Half(0))?);
        Ok(whole::Pair { left, right })
    }
}

#[test]
fn what_was_split_comes_together_with_what_was_written_to_either_part() {
    let heap = Heap::new();
    let person = |n: u32| whole::Person { name: format!("name {n}"), street: format!("st {n}") };
    let people: Vec<_> = (0..4).map(|n| create(&heap, person(n))).collect();
    let plan = Upgrade::to("2").migrate::<whole::Person, Person>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    heap.atomically(|tx| {
        let address = tx.read(people[1].cast::<Person>())?.address;
        tx.modify(address, |address| address.street.push('!'))?;
        tx.modify(people[2].cast::<Person>(), |person| person.name.push('?'))?;
        Ok(())
    })
    .unwrap();
    let moved = create(&heap, Address { street: "elsewhere".into() });
    let new = create(&heap, Person { name: "new".into(), address: moved });
    running.roll_back().unwrap().wait().unwrap();
    assert_eq!(get(&heap, people[0]), person(0));
    assert_eq!(get(&heap, people[1]).street, "st 1!");
    assert_eq!(get(&heap, people[2]), whole::Person { name: "name 2?".into(), ..person(2) });
    assert_eq!(get(&heap, people[3]), person(3));
    assert_eq!(get(&heap, new.cast::<whole::Person>()).street, "elsewhere");
    assert_eq!(heap.snapshot(|s| s.objects::<Address>().count()), 0);
}

#[test]
fn what_was_merged_comes_apart() {
    let heap = Heap::new();
    let pair = |left, right| {
        heap.atomically(|tx| {
            let (left, right) = (tx.create(Half(left))?, tx.create(Half(right))?);
            Ok((tx.create(whole::Pair { left, right })?, left))
        })
        .unwrap()
    };
    let ((same, left), (changed, _)) = (pair(1, 2), pair(3, 4));
    let plan = Upgrade::to("2").migrate::<whole::Pair, Pair>().background(Background::Off);
    let running = heap.upgrade(plan).unwrap();
    assert_eq!(get(&heap, same.cast::<Pair>()).sum, 3);
    heap.atomically(|tx| Ok(tx.modify(changed.cast::<Pair>(), |pair| pair.sum += 10)?)).unwrap();
    running.roll_back().unwrap().wait().unwrap();
    assert_eq!(get(&heap, same).left, left, "the very halves that there were");
    let apart = get(&heap, changed);
    assert_eq!((get(&heap, apart.left).0, get(&heap, apart.right).0), (17, 0));
}

/// Two thousand splits beside readers: each part exists once.
#[test]
fn the_parts_of_a_split_exist_once_however_many_transform_at_once() {
    watched(|| {
        let heap = Heap::new();
        let count = 500;
        let people: Vec<_> = (0..count)
            .map(|n| create(&heap, whole::Person { name: n.to_string(), street: n.to_string() }))
            .collect();
        let plan = Upgrade::to("2").migrate::<whole::Person, Person>();
        let running = heap.upgrade(plan.background(Background::Off)).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for person in &people {
                        heap.snapshot(|s| {
                            let person = s.read(person.cast::<Person>()).unwrap();
                            assert_eq!(s.read(person.address).unwrap().street, person.name);
                        });
                    }
                });
            }
        });
        running.wait().unwrap();
        assert_eq!(heap.snapshot(|s| s.objects::<Address>().count()), count);
        assert_eq!(running.progress().transformed(), count as u64);
    });
}
