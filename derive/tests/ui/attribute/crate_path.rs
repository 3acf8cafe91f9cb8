use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(crate = "not a path")]
struct T;

#[derive(Upgradable, Clone)]
#[upgrade(crate = 7)]
struct U;

fn main() {}
