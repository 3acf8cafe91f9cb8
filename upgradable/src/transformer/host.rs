//! The heap's side of a transformer's context.

use upgradable_stm::layer::Touch;
use upgradable_stm::{CommitTs, Handle, Kind};

use crate::access::AccessError;
use crate::error::{TransformError, TransformErrorKind};
use crate::heap::types::Types;
use crate::lineage::{TypeVersion, Upgradable};
use crate::migration::created::Created;
use crate::migration::failure::take_refusal;
use crate::object::Ref;

/// What a transformer sees of the heap: other objects at one instant, and a place for new ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host<'h> {
    /// The object that is transformed.
    touch: &'h Touch<'h>,
    surroundings: Surroundings<'h>,
}

/// What there is around the object that is transformed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings<'h> {
    /// The instant before the flip; none for a transformer that said it reads nothing.
    pub(crate) at_flip: Option<&'h upgradable_stm::Snapshot<'h>>,
    /// When what is created comes to be.
    pub(crate) flip: CommitTs,
    pub(crate) types: &'h Types,
    pub(crate) created: &'h Created,
}

impl<'h> Surroundings<'h> {
    /// As the transformer of this object sees them.
    pub(crate) fn of(self, touch: &'h Touch<'h>) -> Host<'h> {
        Host { touch, surroundings: self }
    }
}

impl<'h> Host<'h> {
    pub(crate) fn object(&self) -> Handle {
        self.touch.handle()
    }

    pub(crate) fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&'h T, TransformError> {
        let at_flip = self.surroundings.at_flip.ok_or(TransformErrorKind::NotDeclared)?;
        at_flip.get::<T>(object.handle()).map_err(|error| {
            let wanted = TypeVersion::of::<T>();
            let mismatch = |found| self.surroundings.types.mismatch(wanted, found);
            // An object that an earlier upgrade could not transform.
            let refused = || take_refusal().map_or(AccessError::Unborn, AccessError::Untransformed);
            let source = AccessError::from_core(error, mismatch, refused);
            TransformErrorKind::Host { source: Box::new(source) }.into()
        })
    }

    pub(crate) fn create<T: Upgradable>(&self, value: T) -> Result<Ref<T>, TransformError> {
        let kind = Kind::of::<T>();
        let Surroundings { flip, types, created, .. } = self.surroundings;
        types
            .admit::<T>(kind, flip)
            .map_err(|source| TransformErrorKind::Host { source: Box::new(source) })?;
        created.note(kind);
        Ok(Ref::new(self.touch.create(value)))
    }
}
