//! One object becomes two, and two become one; and what was written since finds its way back.
//!
//! `cargo run --release -p upgradable --example split_and_merge`

use upgradable::{Cx, Heap, Profile, Ref, TransformError, Upgradable, Upgrade, UpgradeFrom};

mod v1 {
    use upgradable::{Ref, Upgradable};

    /// Has its address in it; its loyalty points are an object of their own.
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "shop.Customer")]
    pub(crate) struct Customer {
        pub(crate) name: String,
        pub(crate) street: String,
        pub(crate) points: Ref<Points>,
    }

    #[derive(Upgradable, Clone)]
    #[upgrade(name = "shop.Points")]
    pub(crate) struct Points {
        pub(crate) earned: u32,
    }
}

/// New: the address on its own, so that several people can share one.
#[derive(Upgradable, Clone)]
#[upgrade(name = "shop.Address")]
struct Address {
    street: String,
}

/// Has its points in it; its address is an object of its own.
#[derive(Upgradable, Clone)]
#[upgrade(name = "shop.Customer", version = 2, from = v1::Customer, manual)]
struct Customer {
    name: String,
    address: Ref<Address>,
    points: u32,
    /// Where they were, for the way back.
    old_points: Ref<v1::Points>,
}

impl UpgradeFrom<v1::Customer> for Customer {
    const PROFILE: Profile = Profile::both_ways().needing_old().reading_others();

    fn upgrade_from(old: &v1::Customer, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        // Split: created together with this value, or not at all.
        let address = cx.create(Address { street: old.street.clone() })?;
        // Merge: read as of the flip, however late this runs.
        let points = cx.read(old.points)?.earned;
        Ok(Self { name: old.name.clone(), address, points, old_points: old.points })
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heap = Heap::new();
    let (ada, points) = heap.atomically(|tx| {
        let points = tx.create(v1::Points { earned: 10 })?;
        let street = "Main Street 1".to_owned();
        Ok((tx.create(v1::Customer { name: "Ada".to_owned(), street, points })?, points))
    })?;
    let plan = Upgrade::to("2").migrate::<v1::Customer, Customer>();
    match plan.can_go_back() {
        Ok(()) => println!("this upgrade can be rolled back"),
        Err(why) => println!("no way back: {why}"),
    }
    heap.upgrade(plan)?.wait()?;

    // The old object is still there, and counts no more.
    heap.atomically(|tx| Ok(tx.modify(points, |points| points.earned = 0)?))?;
    heap.snapshot(|s| -> Result<(), upgradable::AccessError> {
        let ada = s.read(ada.cast::<Customer>())?;
        let street = &s.read(ada.address)?.street;
        println!("{} has {} points and lives in {street}", ada.name, ada.points);
        println!("(the merged object says {})", s.read(ada.old_points)?.earned);
        assert_eq!(ada.points, 10);
        Ok(())
    })?;
    Ok(())
}
