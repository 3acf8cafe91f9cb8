use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
#[upgrade(removed(Old => E::A))]
enum E {
    #[upgrade(new)]
    A,
    #[upgrade(from = "X")]
    B,
}

fn main() {}
