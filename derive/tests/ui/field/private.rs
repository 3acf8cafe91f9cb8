use upgradable::Upgradable;

mod v1 {
    #[derive(upgradable::Upgradable, Clone)]
    pub struct Account {
        pub id: u32,
        secret: u8,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(from = v1::Account)]
struct Silent {
    id: u32,
}

fn main() {}
