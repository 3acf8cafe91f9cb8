//! Three upgrades in a row, none of which waits for the one before it.
//!
//! `cargo run --release -p upgradable --example chain`

use upgradable::{Background, Heap, Ref, Upgradable, Upgrade};

mod v1 {
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "shop.Price")]
    pub(crate) struct Price {
        pub(crate) text: String,
    }
}

mod v2 {
    use super::v1;

    /// A number at last.
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "shop.Price", version = 2, from = v1::Price)]
    pub(crate) struct Price {
        #[upgrade(from = "text", try_with = |text: &str| text.parse::<f64>(), back = |n: &f64| n.to_string())]
        pub(crate) amount: f64,
    }
}

mod v3 {
    use super::v2;

    /// Never store money in a float.
    #[derive(upgradable::Upgradable, Clone)]
    #[upgrade(name = "shop.Price", version = 3, from = v2::Price)]
    pub(crate) struct Price {
        #[upgrade(
            from = "amount",
            with = |amount: &f64| (amount * 100.0).round() as i64,
            back = |cents: &i64| *cents as f64 / 100.0
        )]
        pub(crate) cents: i64,
    }
}

/// And say which money.
#[derive(Upgradable, Clone)]
#[upgrade(name = "shop.Price", version = 4, from = v3::Price)]
struct Price {
    cents: i64,
    #[upgrade(default = "EUR".to_owned())]
    currency: String,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let heap = Heap::new();
    let prices: Vec<Ref<v1::Price>> = heap.atomically(|tx| {
        ["9.90", "0.10", "12.34"]
            .into_iter()
            .map(|text| Ok(tx.create(v1::Price { text: text.to_owned() })?))
            .collect()
    })?;

    // Nothing is transformed in the background here, so that every object stays as old as it is.
    let plan = |name: &str| Upgrade::to(name.to_owned()).background(Background::Off);
    let second = heap.upgrade(plan("2").migrate::<v1::Price, v2::Price>())?;

    // Touched in the second version: this one is a float now.
    heap.atomically(|tx| {
        Ok(tx.modify(prices[0].cast::<v2::Price>(), |price| price.amount += 0.1)?)
    })?;

    let third = heap.upgrade(plan("3").migrate::<v2::Price, v3::Price>())?;
    let fourth = heap.upgrade(plan("4").migrate::<v3::Price, Price>())?;

    // One object goes two steps, the other two go three, each at the instant of its upgrade.
    heap.snapshot(|s| -> Result<(), upgradable::AccessError> {
        for price in &prices {
            let price = s.read(price.cast::<Price>())?;
            println!("{}.{:02} {}", price.cents / 100, price.cents % 100, price.currency);
        }
        Ok(())
    })?;
    for running in [&second, &third, &fourth] {
        println!("upgrade {}: {} transformed", running.name(), running.progress().transformed());
    }

    // They are kept in the order in which they came.
    for running in [second, third, fourth] {
        running.wait()?;
        running.promote()?;
    }
    println!("all three are promoted");
    Ok(())
}
