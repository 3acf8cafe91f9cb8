//! What the old and the new representation share: an object that does not change with the upgrade,
//! referred to by both, and modified after the flip and before the first touch.
//!
//! Who began before the flip sees it as it was, from the old form; who begins after it sees it as
//! it is, from the new form; and a transformer that reads it sees it as of the flip, however late
//! it runs.

use std::thread;

use upgradable::{
    Abort, Background, Cx, Heap, HeldSnapshot, Profile, Ref, RunningUpgrade, TransformError,
    Upgradable, Upgrade, UpgradeFrom,
};

/// Unchanged: shared by both representations.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "shared.Stock")]
struct Stock(u32);

mod v1 {
    use upgradable::{Ref, Upgradable};

    use super::Stock;

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "shared.Shop")]
    pub(crate) struct Shop {
        pub(crate) stock: Ref<Stock>,
    }

    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "shared.Report")]
    pub(crate) struct Report {
        pub(crate) stock: Ref<Stock>,
    }
}

/// Its transformer looks at nothing but the shop.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Shop)]
struct Shop {
    stock: Ref<Stock>,
    #[upgrade(default)]
    open: bool,
}

/// Its transformer reads what is shared.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = v1::Report, manual)]
struct Report {
    stock: Ref<Stock>,
    at_flip: u32,
}

impl UpgradeFrom<v1::Report> for Report {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::Report, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { stock: old.stock, at_flip: cx.read(old.stock)?.0 })
    }

    fn put(
        new: &Self,
        _: Option<&v1::Report>,
        _: &mut Cx<'_>,
    ) -> Result<v1::Report, TransformError> {
        Ok(v1::Report { stock: new.stock })
    }
}

/// A heap that has just been upgraded, with nothing touched.
struct Flipped {
    heap: Heap,
    stock: Ref<Stock>,
    shop: Ref<v1::Shop>,
    report: Ref<v1::Report>,
    before: HeldSnapshot,
    running: RunningUpgrade,
}

const AT_FLIP: u32 = 10;

fn flipped(plan: Upgrade) -> Flipped {
    let heap = Heap::new();
    let (stock, shop, report) = heap
        .atomically(|tx| {
            let stock = tx.create(Stock(AT_FLIP))?;
            let shop = tx.create(v1::Shop { stock })?;
            Ok((stock, shop, tx.create(v1::Report { stock })?))
        })
        .unwrap();
    let before = heap.hold();
    let running = heap.upgrade(plan.background(Background::Off)).unwrap();
    Flipped { heap, stock, shop, report, before, running }
}

fn local() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Shop, Shop>()
}

fn reading() -> Upgrade {
    Upgrade::to("2").migrate::<v1::Report, Report>()
}

/// So often that no version of the flip would be left, were it not kept.
fn modify(at: &Flipped) {
    for n in 0..300 {
        at.heap.atomically(|tx| Ok(tx.write(at.stock, Stock(1_000 + n))?)).unwrap();
        at.heap.reclaim();
    }
}

#[test]
fn a_local_transformer_leaves_what_is_shared_alone() {
    let at = flipped(local());
    modify(&at);
    at.before.read(|s| {
        let shop = s.read(at.shop).unwrap();
        assert_eq!(s.read(shop.stock), Ok(&Stock(AT_FLIP)), "the old form, of the old state");
    });
    at.heap.snapshot(|s| {
        let shop = s.read(at.shop.cast::<Shop>()).unwrap();
        assert!(!shop.open);
        assert_eq!(s.read(shop.stock), Ok(&Stock(1_299)), "the new form, of the new state");
    });
}

#[test]
fn a_reading_transformer_sees_what_is_shared_as_of_the_flip() {
    let at = flipped(reading());
    modify(&at);
    at.heap.snapshot(|s| {
        let report = s.read(at.report.cast::<Report>()).unwrap();
        assert_eq!(report.at_flip, AT_FLIP, "as of the flip");
        assert_eq!(s.read(report.stock), Ok(&Stock(1_299)), "as it is");
    });
    at.before.read(|s| {
        let report = s.read(at.report).unwrap();
        assert_eq!(s.read(report.stock), Ok(&Stock(AT_FLIP)));
    });
}

#[test]
fn a_reading_transformer_sees_also_what_is_gone() {
    let at = flipped(reading());
    at.heap.atomically(|tx| Ok(tx.delete(at.stock)?)).unwrap();
    at.heap.reclaim();
    let report = at.heap.snapshot(|s| s.read(at.report.cast::<Report>()).cloned()).unwrap();
    assert_eq!(report.at_flip, AT_FLIP);
}

#[test]
fn one_transaction_may_modify_what_is_shared_and_then_touch() {
    let at = flipped(reading());
    at.heap
        .atomically(|tx| {
            tx.write(at.stock, Stock(77))?;
            let report = tx.read(at.report.cast::<Report>())?;
            assert_eq!(report.at_flip, AT_FLIP, "its own writes are after the flip");
            assert_eq!(tx.read(report.stock)?.0, 77);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_roll_back_leaves_what_is_shared_as_it_is_now() {
    for plan in [local(), reading()] {
        let at = flipped(plan);
        modify(&at);
        at.running.roll_back().unwrap();
        at.heap.snapshot(|s| {
            assert_eq!(s.read(s.read(at.shop).unwrap().stock), Ok(&Stock(1_299)));
            assert_eq!(s.read(s.read(at.report).unwrap().stock), Ok(&Stock(1_299)));
        });
    }
}

/// What is shared may be seen in its old state after the flip without leaving a trace. So whoever
/// writes it and began before the flip is executed again.
#[test]
fn an_old_transaction_does_not_write_what_is_shared() {
    let refreshes: [fn() -> Upgrade; 2] =
        [|| Upgrade::to("3").refresh::<Shop>(), || Upgrade::to("3").refresh::<Report>()];
    for (plan, refresh) in [local(), reading()].into_iter().zip(refreshes) {
        let at = flipped(plan);
        let mut eras = Vec::new();
        let committed = at.heap.transaction().run(|tx| {
            tx.modify(at.stock, |stock| stock.0 += 1)?;
            if eras.is_empty() {
                let upgrade = || at.heap.upgrade(refresh().background(Background::Off)).unwrap();
                thread::scope(|scope| drop(scope.spawn(upgrade).join().unwrap()));
            }
            eras.push(tx.at().era().get());
            Ok::<_, Abort<()>>(())
        });
        assert_eq!(eras, [1, 2], "it is executed again");
        assert_eq!(committed.unwrap().ts.era().get(), 2);
        assert_eq!(at.heap.snapshot(|s| s.read(at.stock).cloned()), Ok(Stock(AT_FLIP + 1)));
    }
}
