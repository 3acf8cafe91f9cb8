use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade]
struct A {
    a: u8,
}

#[derive(Upgradable, Clone)]
#[upgrade = "version 2"]
struct B {
    a: u8,
}

fn main() {}
