//! The heap's side of a transformer's context.

use upgradable_stm::layer::Touch;
use upgradable_stm::{CommitTs, Kind};

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
    pub(crate) touch: &'h Touch<'h>,
    /// The instant before the flip; none for a transformer that said it reads nothing.
    pub(crate) at_flip: Option<&'h upgradable_stm::Snapshot<'h>>,
    /// When what is created comes to be.
    pub(crate) flip: CommitTs,
    pub(crate) types: &'h Types,
    pub(crate) created: &'h Created,
}

impl<'h> Host<'h> {
    pub(crate) fn read<T: Upgradable>(&self, object: Ref<T>) -> Result<&'h T, TransformError> {
        let at_flip = self.at_flip.ok_or(TransformErrorKind::NotDeclared)?;
        at_flip.get::<T>(object.handle()).map_err(|error| {
            let wanted = TypeVersion::of::<T>();
            let mismatch = |found| self.types.mismatch(wanted, found);
            // An object that an earlier upgrade could not transform.
            let refused = || take_refusal().map_or(AccessError::Unborn, AccessError::Untransformed);
            let source = AccessError::from_core(error, mismatch, refused);
            TransformErrorKind::Host { source: Box::new(source) }.into()
        })
    }

    pub(crate) fn create<T: Upgradable>(&self, value: T) -> Result<Ref<T>, TransformError> {
        let kind = Kind::of::<T>();
        self.types
            .admit::<T>(kind, self.flip)
            .map_err(|source| TransformErrorKind::Host { source: Box::new(source) })?;
        self.created.note(kind);
        Ok(Ref::new(self.touch.create(value)))
    }
}
