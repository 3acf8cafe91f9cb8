struct Plain;

fn main() {
    let _ = upgradable::TypeVersion::of::<Plain>();
}
