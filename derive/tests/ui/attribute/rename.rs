use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(rename = "Account", from = V1)]
struct T {
    #[upgrade(rename = "id")]
    number: u32,
    #[upgrade(alias = "name")]
    label: String,
}

#[derive(Upgradable, Clone)]
enum E {
    #[upgrade(rename = "B")]
    A,
}

fn main() {}
