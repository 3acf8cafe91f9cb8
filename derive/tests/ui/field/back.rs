use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct V1 {
    id: u32,
    name: String,
}

fn text(id: u32) -> String {
    id.to_string()
}

fn length(text: &str) -> usize {
    text.len()
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Takes {
    #[upgrade(with = text, back = text)]
    id: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct Gives {
    #[upgrade(with = text, back = length)]
    id: String,
}

#[derive(Upgradable, Clone)]
#[upgrade(from = V1, removed(name))]
struct NoResult {
    #[upgrade(with = text, try_back = |text| 1_u32)]
    id: String,
}

fn main() {}
