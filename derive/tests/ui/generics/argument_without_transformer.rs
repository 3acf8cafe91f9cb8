use upgradable::Upgradable;

use upgradable::UpgradeFrom;

#[derive(Upgradable, Clone)]
struct Pair<T> {
    left: T,
    right: Vec<T>,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "Pair", version = 2, from = Pair<T>)]
struct Pair2<T> {
    left: T,
    right: Vec<T>,
}

fn needs<Old, New: UpgradeFrom<Old>>() {}

fn main() {
    needs::<Pair<u8>, Pair2<u16>>();
    needs::<Pair<u8>, Pair2<String>>();
}
