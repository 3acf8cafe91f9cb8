use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(from = (u8, u8))]
struct Tuple(u8, u8);

#[derive(Upgradable, Clone)]
#[upgrade(from = <V1 as Trait>::Assoc)]
struct Projection;

#[derive(Upgradable, Clone)]
#[upgrade(from = "not a type")]
struct Text;

#[derive(Upgradable, Clone)]
#[upgrade(from)]
struct Nothing;

fn main() {}
