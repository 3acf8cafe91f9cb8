use upgradable::Upgradable;

#[derive(Clone)]
struct Money;

#[derive(Upgradable, Clone)]
struct Pair<T> {
    left: T,
    right: T,
}

fn needs<T: Upgradable>() {}

fn main() {
    needs::<Pair<u8>>();
    needs::<Pair<Money>>();
}
