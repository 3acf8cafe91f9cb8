use upgradable_stm::*;
#[inline(never)]
pub fn sum(s: &Snapshot<'_>, vs: &[TVar<u64>]) -> u64 {
    vs.iter().map(|v| *s.read(v)).sum()
}
fn main() {
    let d = Domain::new();
    let vs: Vec<_> = (0..1000u64).map(|i| d.tvar(i)).collect();
    let mut x = 0;
    for _ in 0..200_000 {
        x += d.snapshot(|s| sum(s, &vs));
    }
    println!("{x}");
}
