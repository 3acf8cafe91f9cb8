use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(name = "E")]
enum V1 {
    Open,
    Frozen { why: String },
    Legacy,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1)]
enum E {
    #[upgrade(new, from = "Open")]
    A,
    #[upgrade(from = "Frozen", back = f)]
    B { why: String },
    #[upgrade(new, back = f, try_back = f)]
    C,
    #[upgrade(new, removed(x))]
    D,
    #[upgrade(new)]
    E {
        #[upgrade(with = f)]
        a: u8,
        #[upgrade(default)]
        b: u8,
    },
    #[upgrade(removed(A => E::D))]
    Legacy,
}

fn main() {}
