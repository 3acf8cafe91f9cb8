use upgradable_stm::*;
fn main() {
    let d = Domain::new();
    let v = d.tvar(1u64);
    for _ in 0..std::env::args().nth(1).map_or(40_000_000u64, |n| n.parse().unwrap()) {
        d.atomically(|tx| {
            let x = *tx.read(&v);
            tx.write(&v, x + 1);
            Ok(())
        });
    }
}
