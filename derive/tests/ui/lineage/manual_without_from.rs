use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(manual)]
struct T;

fn main() {}
