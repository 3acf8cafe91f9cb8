use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(version = 2)]
struct T;

fn main() {}
