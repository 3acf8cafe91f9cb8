use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "Pair")]
struct V1<T> {
    left: T,
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "Couple", from = V1<T>)]
struct Pair<T> {
    left: T,
}

const ASKED: upgradable::Fingerprint = <Pair<u8>>::FINGERPRINT;

fn main() {
    let _ = ASKED;
}
