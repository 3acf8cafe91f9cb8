use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Clone)]
struct Bare;

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name, id))]
struct NoDefault {
    #[upgrade(default)]
    a: Bare,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name, id))]
struct Wrong {
    #[upgrade(default = 7)]
    a: String,
    #[upgrade(default = "7")]
    b: u32,
}

fn main() {}
