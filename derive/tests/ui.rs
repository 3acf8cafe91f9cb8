//! What a user reads after a mistake. A folder for each kind.
//!
//! Messages of the compiler itself change between releases, so they are compared with one.

#[rustversion::attr(not(stable(1.95)), ignore = "the messages are those of Rust 1.95")]
#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    for kind in ["attribute", "field", "generics", "lineage", "variant"] {
        cases.compile_fail(format!("tests/ui/{kind}/*.rs"));
    }
}
