use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "Pair")]
struct V1<T> {
    left: T,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct Pair<T> {
    left: T,
}

fn main() {}
