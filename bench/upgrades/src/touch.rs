//! The first touch, and reads of other lineages while an upgrade is pending.

use std::hint::black_box;

use upgradable::{Background, Cx, UpgradeFrom};

use crate::timing::{median, paired, time};
use crate::types::{Account, Other, create, heap_of, plan, v1};

pub(crate) fn run(objects: usize, rounds: usize) {
    println!("\nFirst touch: reads of {objects} objects in transactions of one\n");
    let (mut first, mut second, mut own) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.clamp(3, 7) {
        let (heap, accounts) = heap_of(objects);
        let Ok(_running) = heap.upgrade(plan().background(Background::Off)) else { return };
        let read_all = || {
            for account in &accounts {
                let account = account.cast::<Account>();
                black_box(heap.snapshot(|s| s.read(account).map_or(0, |a| a.mills)));
            }
        };
        first.push(time(read_all).as_nanos() as f64 / objects as f64);
        second.push(time(read_all).as_nanos() as f64 / objects as f64);
        let mut cx = Cx::detached();
        let transform = || {
            for n in 0..objects as u64 {
                let old = black_box(v1::Account { id: n, cents: n });
                let _ = black_box(Account::upgrade_from(&old, &mut cx).map(|a| a.id));
            }
        };
        own.push(time(transform).as_nanos() as f64 / objects as f64);
    }
    let (first, second, own) = (median(first), median(second), median(own));
    println!("| | ns |\n| --- | ---: |");
    println!("| first read | {first:.1} |\n| second read | {second:.1} |");
    println!("| the transformer alone | {own:.1} |");
    println!("| beyond the transformer and the read | {:.1} |", first - second - own);

    println!("\nReads of a lineage that the pending upgrade does not mention\n");
    let (heap, _accounts) = heap_of(1_000);
    let others = create(&heap, 1_000, |n| Other { n });
    let (idle, _) = heap_of(1_000);
    let idle_others = create(&idle, 1_000, |n| Other { n });
    let Ok(_running) = heap.upgrade(plan().background(Background::Off)) else { return };
    const PASSES: usize = 50;
    let (pending, not, _) = paired(
        rounds,
        PASSES * 1_000,
        || {
            for _ in 0..PASSES {
                for &other in &others {
                    black_box(heap.snapshot(|s| s.read(other).map_or(0, |other| other.n)));
                }
            }
        },
        || {
            for _ in 0..PASSES {
                for &other in &idle_others {
                    black_box(idle.snapshot(|s| s.read(other).map_or(0, |other| other.n)));
                }
            }
        },
    );
    println!("| | ns |\n| --- | ---: |\n| upgrade pending | {pending:.1} |");
    println!("| none pending | {not:.1} |\n| more | {:.1} |", pending - not);
}
