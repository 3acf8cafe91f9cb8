//! What transformers do: one function forward and one back, whose behaviour is in the data.
//!
//! The lenses are lawful: `put(get(s), s) == s` as long as nobody has changed the part that was
//! split off.

use super::{Id, Lineage, Link, Payload, Record, Sight, Version};

/// One version to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Of this lineage.
    pub lineage: Lineage,
    /// The older version.
    pub from: Version,
}

impl Step {
    /// Whether its transformer reads other objects.
    #[must_use]
    pub const fn reads(self) -> bool {
        match self.lineage {
            Lineage::Node | Lineage::Leaf => self.from.is_multiple_of(2),
            Lineage::Part => self.from == 2,
        }
    }

    /// Whether there is no way back.
    #[must_use]
    pub const fn is_one_way(self) -> bool {
        matches!(self.lineage, Lineage::Leaf) && matches!(self.from, 1 | 4)
    }
}

/// What a transformer sees of other objects, and where it creates some.
pub trait World {
    /// Another object at the instant of the flip, with its version then.
    ///
    /// # Errors
    ///
    /// If it can't be told.
    fn read(&mut self, link: Link) -> Result<Option<(Version, Payload)>, String>;

    /// A new part.
    ///
    /// # Errors
    ///
    /// If there can't be one.
    fn create(&mut self, payload: Payload) -> Result<Id, String>;
}

fn sight((version, payload): &(Version, Payload)) -> Sight {
    Sight { version: *version, n: payload.n, writer: payload.writer }
}

/// The value of the next version.
///
/// # Errors
///
/// Those of the world.
pub fn get(step: Step, old: &Payload, world: &mut impl World) -> Result<Payload, String> {
    let recipe = old.recipe.rotate_right(7 * u32::from(step.from));
    let mut record = Record { from: step.from, delta: 0, share: 0, part: None, saw: Vec::new() };
    record.delta = match recipe & 3 {
        0 => 1,
        1 => old.n & 7,
        2 => -5,
        _ => i64::from(step.from) * 100,
    };
    if step.reads() {
        for &link in &old.links {
            let seen = world.read(link)?;
            record.saw.push(seen.as_ref().map(sight));
            let Some((_, neighbour)) = seen else { continue };
            // Merge.
            if recipe & 4 != 0 {
                record.delta = record.delta.wrapping_add(neighbour.n);
            }
            if recipe & 8 != 0 {
                for &link in &neighbour.links {
                    record.saw.push(world.read(link)?.as_ref().map(sight));
                }
            }
        }
    }
    if step.lineage == Lineage::Node && recipe & 48 == 48 {
        record.share = old.n / 3;
        record.part = Some(world.create(Payload {
            n: record.share,
            writer: old.writer,
            recipe: old.recipe.rotate_right(3),
            links: old.links.first().copied().into_iter().collect(),
            ..Payload::default()
        })?);
    }
    let mut new = old.clone();
    new.n = new.n.wrapping_add(record.delta).wrapping_sub(record.share);
    new.path.push(record);
    Ok(new)
}

/// The value of the version before.
///
/// # Errors
///
/// Those of the world.
pub fn put(
    step: Step,
    new: &Payload,
    old: Option<&Payload>,
    world: &mut impl World,
) -> Result<Payload, String> {
    let mut back = new.clone();
    if let Some(record) = back.path.pop_if(|record| record.from == step.from) {
        let share = match record.part {
            None => 0,
            Some(object) if step.reads() => {
                let part = world.read(Link { lineage: Lineage::Part, object })?;
                part.map_or(0, |(_, part)| part.n)
            }
            Some(_) => record.share,
        };
        back.n = back.n.wrapping_sub(record.delta).wrapping_add(share);
    } else {
        back.backs += 1;
    }
    // What was written since looks around.
    if step.reads() && old.is_none_or(|old| old.writer != new.writer) {
        for &link in &new.links {
            let word = world.read(link)?.map_or(1, |(version, neighbour)| {
                neighbour.writer << 3 ^ u64::from(version) ^ neighbour.n.cast_unsigned() << 40
            });
            back.mark = (back.mark.rotate_left(9) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
    Ok(back)
}
