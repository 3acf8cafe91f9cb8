//! `manual`: the derive describes the type, the transformer is written by hand.

use upgradable::{Cx, Profile, TransformError, Upgradable, UpgradeFrom};

use crate::{create, get, put};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Name")]
struct NameV1 {
    full: String,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Name", version = 2, from = NameV1, manual)]
struct Name {
    first: String,
    last: String,
    #[upgrade(skip)]
    cache: u8,
}

impl UpgradeFrom<NameV1> for Name {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &NameV1, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        cx.field("full", |_| {
            let (first, last) = old.full.split_once(' ').ok_or("a name of one word")?;
            Ok(Self { first: first.to_owned(), last: last.to_owned(), cache: 0 })
        })
    }

    fn put(new: &Self, _: Option<&NameV1>, _: &mut Cx<'_>) -> Result<NameV1, TransformError> {
        Ok(NameV1 { full: format!("{} {}", new.first, new.last) })
    }
}

/// The next one is derived again, and holds one written by hand.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Person")]
struct PersonV1 {
    names: Vec<NameV1>,
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = PersonV1)]
struct Person {
    names: Vec<Name>,
}

#[test]
fn by_hand_within_derived() {
    let old = PersonV1 { names: vec![NameV1 { full: "Ada Lovelace".to_owned() }] };
    let new: Person = get(&old);
    assert_eq!(new.names[0].last, "Lovelace");
    assert_eq!(put(&new, &old), old);
    let broken = PersonV1 { names: vec![old.names[0].clone(), NameV1 { full: "Bo".to_owned() }] };
    let error = Person::upgrade_from(&broken, &mut Cx::detached()).expect_err("one word");
    assert_eq!(
        error.to_string(),
        "test.Person 1 -> test.Person 2 at `names[1].full`: the conversion failed"
    );
}

/// Says nothing of itself.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(from = Name, manual)]
struct Initials(char, char);

impl UpgradeFrom<Name> for Initials {
    fn upgrade_from(old: &Name, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        let initial = |name: &str| name.chars().next().ok_or("an empty name");
        Ok(Self(initial(&old.first)?, initial(&old.last)?))
    }
}

#[test]
fn silence_is_taken_for_the_worst() {
    let facts = <Initials as UpgradeFrom<Name>>::PROFILE.facts();
    assert!(!facts.is_reversible() && facts.reads_others());
    let error = create::<Name, _>(&Initials('a', 'b')).expect_err("no way back");
    assert_eq!(error.to_string(), "there is no way back: the transformer has no `put`");
}
