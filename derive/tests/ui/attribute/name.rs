use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "")]
struct Empty;

#[derive(Upgradable, Clone)]
#[upgrade(name = "a name")]
struct Spaces;

#[derive(Upgradable, Clone)]
#[upgrade(name = "Pair<u8>")]
struct Brackets;

#[derive(Upgradable, Clone)]
#[upgrade(name = bank::Account)]
struct Path;

fn main() {}
