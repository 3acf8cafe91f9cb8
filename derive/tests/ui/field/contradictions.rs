use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
struct T {
    #[upgrade(with = f, default)]
    a: u8,
    #[upgrade(with = f, try_with = f)]
    b: u8,
    #[upgrade(default, compute = f)]
    c: u8,
    #[upgrade(back = f, try_back = f)]
    d: u8,
    #[upgrade(default = 1, from = "x")]
    e: u8,
    #[upgrade(from = "y", compute = f)]
    f: u8,
    #[upgrade(skip, with = f)]
    g: u8,
    #[upgrade(default, back = f)]
    h: u8,
    #[upgrade(compute = f, try_back = f)]
    i: u8,
    #[upgrade(flatten(j), from = "j")]
    j: u8,
    #[upgrade(skip, back = f)]
    k: u8,
    #[upgrade(flatten(l), skip)]
    l: u8,
}

fn main() {}
