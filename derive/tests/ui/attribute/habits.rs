use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct T {
    #[upgrade(upgrade_with = f)]
    id: u32,
    #[upgrade(downgrade_with = f)]
    name: String,
    #[upgrade(new)]
    fresh: u8,
    #[upgrade(removed)]
    gone: u8,
    #[upgrade(skip_serializing)]
    cache: u8,
}

#[derive(Upgradable, Clone)]
enum E {
    #[upgrade(added)]
    A,
}

fn main() {}
