use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(with = f)]
struct T {
    #[upgrade(version = 2)]
    a: u8,
}

#[derive(Upgradable, Clone)]
enum E {
    #[upgrade(compute = f)]
    A,
}

fn main() {}
