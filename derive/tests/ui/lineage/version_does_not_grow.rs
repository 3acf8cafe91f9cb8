use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "T", version = 3, origin)]
struct V3;

#[derive(Upgradable, Clone)]
#[upgrade(version = 3, from = V3)]
struct Same;

#[derive(Upgradable, Clone)]
#[upgrade(version = 2, from = V3)]
struct Earlier;

fn main() {}
