use upgradable::Upgradable;

#[derive(Upgradable, Clone)]
struct T<'a> {
    text: &'a str,
}

fn main() {}
