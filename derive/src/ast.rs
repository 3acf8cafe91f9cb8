//! The type as the derive sees it: its shape, and what its attributes ask for.

use proc_macro2::Ident;
use syn::spanned::Spanned;
use syn::{DeriveInput, Expr, Generics, Index, Member, Type};

use crate::attr::{ContainerAttrs, FieldAttrs, Flatten, Function, Set, VariantAttrs};
use crate::ctxt::Ctxt;

/// The whole of it.
pub(crate) struct Input<'a> {
    pub(crate) original: &'a DeriveInput,
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) attrs: ContainerAttrs,
    pub(crate) data: Data<'a>,
}

pub(crate) enum Data<'a> {
    Struct(Vec<Field<'a>>),
    Enum(Vec<Variant<'a>>),
}

pub(crate) struct Variant<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) attrs: VariantAttrs,
    pub(crate) fields: Vec<Field<'a>>,
}

pub(crate) struct Field<'a> {
    pub(crate) member: Member,
    pub(crate) ty: &'a Type,
    pub(crate) attrs: FieldAttrs,
}

/// Where a field's value comes from.
pub(crate) enum Source<'a> {
    Carried(Carried<'a>),
    Fresh(Fresh<'a>),
    Flattened(&'a Flatten),
}

/// From one old field.
pub(crate) struct Carried<'a> {
    pub(crate) old: Member,
    pub(crate) with: Option<Conversion<'a>>,
    pub(crate) back: Option<Conversion<'a>>,
}

/// A function, and whether it may fail.
#[derive(Clone, Copy)]
pub(crate) struct Conversion<'a> {
    pub(crate) function: &'a Function,
    pub(crate) fallible: bool,
}

/// From no old field.
pub(crate) struct Fresh<'a> {
    pub(crate) init: Init<'a>,
    /// Not data: its loss on the way back is no loss.
    pub(crate) skipped: bool,
    /// The old field that is not carried either.
    pub(crate) ignored: Option<&'a Member>,
}

#[derive(Clone, Copy)]
pub(crate) enum Init<'a> {
    Default,
    Value(&'a Expr),
    Compute(&'a Function),
}

impl<'a> Input<'a> {
    /// Reads the attributes. `None` when it is not a type that can be read at all.
    pub(crate) fn read(cx: &Ctxt, original: &'a DeriveInput) -> Option<Self> {
        let attrs = ContainerAttrs::read(cx, &original.attrs);
        let data = match &original.data {
            syn::Data::Struct(data) => Data::Struct(fields(cx, &data.fields)),
            syn::Data::Enum(data) => Data::Enum(
                data.variants
                    .iter()
                    .map(|variant| Variant {
                        ident: &variant.ident,
                        attrs: VariantAttrs::read(cx, &variant.attrs),
                        fields: fields(cx, &variant.fields),
                    })
                    .collect(),
            ),
            syn::Data::Union(data) => {
                cx.error(
                    data.union_token,
                    "a union cannot be upgraded: nothing tells which field is there",
                );
                return None;
            }
        };
        let (ident, generics) = (&original.ident, &original.generics);
        Some(Self { original, ident, generics, attrs, data })
    }
}

fn fields<'a>(cx: &Ctxt, fields: &'a syn::Fields) -> Vec<Field<'a>> {
    fields
        .iter()
        .zip(0..)
        .map(|(field, index)| Field {
            member: match &field.ident {
                Some(ident) => Member::Named(ident.clone()),
                None => Member::Unnamed(Index { index, span: field.ty.span() }),
            },
            ty: &field.ty,
            attrs: FieldAttrs::read(cx, &field.attrs),
        })
        .collect()
}

impl Data<'_> {
    /// All fields, of whichever variant.
    pub(crate) fn fields(&self) -> Box<dyn Iterator<Item = &Field<'_>> + '_> {
        match self {
            Data::Struct(fields) => Box::new(fields.iter()),
            Data::Enum(variants) => {
                Box::new(variants.iter().flat_map(|variant| variant.fields.iter()))
            }
        }
    }
}

impl Variant<'_> {
    /// The old variant that it comes from.
    pub(crate) fn old(&self) -> Ident {
        self.attrs.from.as_ref().map_or_else(|| self.ident.clone(), |from| from.value.clone())
    }

    /// The function from a new variant to the old type.
    pub(crate) fn back(&self) -> Option<Conversion<'_>> {
        either(self.attrs.back.as_ref(), self.attrs.try_back.as_ref())
    }
}

impl Field<'_> {
    /// What the attributes make of it; they are known not to contradict each other.
    pub(crate) fn source(&self) -> Source<'_> {
        let attrs = &self.attrs;
        if let Some(flatten) = &attrs.flatten {
            return Source::Flattened(&flatten.value);
        }
        let init = match (&attrs.default, &attrs.compute) {
            (Some(default), _) => Some(default.value.as_ref().map_or(Init::Default, Init::Value)),
            (None, Some(compute)) => Some(Init::Compute(&compute.value)),
            (None, None) => None,
        };
        let skipped = attrs.skip.is_some();
        if skipped || init.is_some() {
            return Source::Fresh(Fresh {
                init: init.unwrap_or(Init::Default),
                skipped,
                ignored: attrs.from.as_ref().map(|from| &from.value),
            });
        }
        Source::Carried(Carried {
            old: attrs.from.as_ref().map_or_else(|| self.member.clone(), |from| from.value.clone()),
            with: either(attrs.with.as_ref(), attrs.try_with.as_ref()),
            back: either(attrs.back.as_ref(), attrs.try_back.as_ref()),
        })
    }
}

fn either<'a>(
    sure: Option<&'a Set<Function>>,
    fallible: Option<&'a Set<Function>>,
) -> Option<Conversion<'a>> {
    let sure = sure.map(|set| Conversion { function: &set.value, fallible: false });
    sure.or_else(|| fallible.map(|set| Conversion { function: &set.value, fallible: true }))
}
