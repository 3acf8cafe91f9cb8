use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(version = 0)]
struct Zero;

#[derive(Upgradable, Clone)]
#[upgrade(version = "1.2")]
struct Text;

#[derive(Upgradable, Clone)]
#[upgrade(version = -1)]
struct Negative;

#[derive(Upgradable, Clone)]
#[upgrade(version = 4294967296)]
struct Large;

#[derive(Upgradable, Clone)]
#[upgrade(version)]
struct Nothing;

fn main() {}
