use upgradable::Upgradable;

use upgradable::UpgradeFrom;

#[derive(Upgradable, Clone)]
#[upgrade(name = "Pair")]
struct V1<T> {
    left: T,
    right: T,
}

/// The function names `T`, so both sides have one argument.
#[derive(Upgradable, Clone)]
#[upgrade(from = V1<T>)]
struct Pair<T> {
    #[upgrade(with = one::<T>)]
    left: Vec<T>,
    right: T,
}

fn one<T>(value: T) -> Vec<T> {
    vec![value]
}

fn needs<Old, New: UpgradeFrom<Old>>() {}

fn main() {
    needs::<V1<u8>, Pair<u16>>();
}
