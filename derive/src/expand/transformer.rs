//! `impl UpgradeFrom<Previous>`: the step from the predecessor, and back.
//!
//! Every old field must be accounted for, although the derive does not see the old type. Where
//! there is a way back, the old value is built there from all its fields, and the compiler says
//! when one is missing. Where there is none, the old value is taken apart without `..` instead.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Member, Path, TypePath, parse_quote_spanned};

use super::carry::{self, Known, constructor};
use super::{Names, at, binding, generics, local, plain};
use crate::ast::{Data, Field, Input, Variant};
use crate::attr::Removed;

/// The step from the predecessor, unless there is none or it is written by hand.
pub(crate) fn expand(names: &Names, input: &Input<'_>) -> TokenStream {
    let (Some(from), None) = (&input.attrs.from, &input.attrs.manual) else {
        return TokenStream::new();
    };
    let private = &names.private;
    let (generics, old) = generics::of_step(names, input, &from.value);
    let step = Step { names, input, old: &old, path: constructor(&from.value.path) };
    let (profile, one_way) = step.profile();
    let upgrade = step.upgrade(one_way);
    let put = (!one_way).then(|| step.put());
    let ident = input.ident;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    // The patterns have the user's spans, so that clippy takes them for the user's.
    quote! {
        #[automatically_derived]
        #[allow(clippy::pattern_type_mismatch, clippy::unneeded_field_pattern)]
        impl #impl_generics #private::UpgradeFrom<#old> for #ident #ty_generics #where_clause {
            const PROFILE: #private::Profile = #profile;
            #upgrade
            #put
        }
    }
}

/// What the parts of the implementation share.
struct Step<'a> {
    names: &'a Names,
    input: &'a Input<'a>,
    /// The old type.
    old: &'a TypePath,
    /// The old type, to stand in patterns and before `{`.
    path: Path,
}

impl Step<'_> {
    /// `fn upgrade_from`
    fn upgrade(&self, one_way: bool) -> TokenStream {
        let Names { private, old, cx, .. } = self.names;
        let (ty, span) = (self.old, self.old.span());
        let body = match &self.input.data {
            Data::Struct(fields) => {
                let pattern = self.whole().taken(one_way);
                let values = fields.iter().map(|field| carry::forward(self.names, field));
                quote!(let #pattern = #old; #private::Ok(Self { #(#values,)* }))
            }
            Data::Enum(variants) => {
                let arms = variants
                    .iter()
                    .filter(|variant| variant.attrs.new.is_none())
                    .map(|variant| self.upgrade_arm(variant, one_way));
                let mapped = self.mappings().map(|mapping| {
                    let (pattern, mapped) = (&mapping.pattern, local("mapped"));
                    let mapping = mapping.mapped();
                    quote!(#pattern => { #mapping #private::Ok(#mapped) })
                });
                let arms: Vec<_> = arms.chain(mapped).collect();
                // A reference is never empty, a value may be.
                let scrutinee = if arms.is_empty() { quote!(*#old) } else { quote!(#old) };
                let scrutinee = respan(scrutinee, span);
                quote_spanned!(span=> match #scrutinee { #(#arms)* })
            }
        };
        quote! {
            fn upgrade_from(
                #old: &#ty,
                #cx: &mut #private::Cx<'_>,
            ) -> #private::Result<Self, #private::TransformError> {
                #private::step(
                    #cx,
                    (
                        <#private::Probe<#ty>>::__UPGRADABLE_VERSION,
                        <#private::Probe<Self>>::__UPGRADABLE_VERSION,
                    ),
                    |#cx| { #body },
                )
            }
        }
    }

    fn upgrade_arm(&self, variant: &Variant<'_>, one_way: bool) -> TokenStream {
        let Names { private, cx, .. } = self.names;
        let (ident, name) = (variant.ident, variant.ident.unraw().to_string());
        let pattern = self.of_variant(variant).taken(one_way);
        let values = variant.fields.iter().map(|field| carry::forward(self.names, field));
        let value = quote!(Self::#ident { #(#values,)* });
        if variant.fields.is_empty() {
            quote!(#pattern => #private::Ok(#value),)
        } else {
            quote!(#pattern => #private::Cx::field(#cx, #name, |#cx| #private::Ok(#value)),)
        }
    }

    /// `fn put`
    fn put(&self) -> TokenStream {
        let Names { private, new, flip, cx, .. } = self.names;
        let ty = self.old;
        let body = match &self.input.data {
            Data::Struct(fields) => {
                let bound = going_back(fields);
                let select = |member: &Member| {
                    let (old, bound) = (&self.names.old, local("selected"));
                    let pattern = self.whole().one(member, &bound);
                    quote!(#private::Option::map(#flip, |#old| { let #pattern = #old; #bound }))
                };
                let values = self.old_fields(fields, &self.input.attrs.removed, &select);
                let path = &self.path;
                quote! {
                    let Self { #bound .. } = #new;
                    #private::Ok(#path { #(#values,)* })
                }
            }
            Data::Enum(variants) => self.put_variants(variants),
        };
        quote! {
            fn put(
                #new: &Self,
                #flip: #private::Option<&#ty>,
                #cx: &mut #private::Cx<'_>,
            ) -> #private::Result<#ty, #private::TransformError> {
                #private::step(
                    #cx,
                    (
                        <#private::Probe<Self>>::__UPGRADABLE_VERSION,
                        <#private::Probe<#ty>>::__UPGRADABLE_VERSION,
                    ),
                    |#cx| { #body },
                )
            }
        }
    }

    /// `member: value?` for every field of the old value.
    fn old_fields(
        &self,
        fields: &[Field<'_>],
        removed: &[Removed],
        select: carry::Select<'_>,
    ) -> Vec<TokenStream> {
        let Names { private, cx, partner, .. } = self.names;
        let carried = fields.iter().flat_map(|field| carry::backward(self.names, field, select));
        let restored = removed.iter().filter_map(gone).map(|(member, value)| {
            let (name, selected) = (plain(member), select(member));
            let value = match value {
                None => quote!(#private::restored(#selected)),
                Some(value) => {
                    let value = carry::literal(self.names, value);
                    quote! {{
                        let #partner = #selected;
                        #private::Ok(#private::restored_or(#partner, || #value))
                    }}
                }
            };
            quote!(#member: #private::Cx::field(#cx, #name, |_| #value)?)
        });
        carried.chain(restored).collect()
    }

    fn put_variants(&self, variants: &[Variant<'_>]) -> TokenStream {
        let Names { private, new, old, flip, .. } = self.names;
        let unchanged = self.mappings().map(|mapping| {
            let (pattern, mapped) = (&mapping.pattern, local("mapped"));
            let same = if mapping.is_unit {
                quote!(#private::same_variant(&#mapped, #new))
            } else {
                quote! {
                    #private::same(
                        <#private::Equality<Self>>::__UPGRADABLE_EQ,
                        &#mapped,
                        #new,
                    )
                }
            };
            let mapping = mapping.mapped();
            quote! {
                if let #private::Some(#old @ #pattern) = #flip {
                    #mapping
                    if #same {
                        return #private::Ok(#private::Clone::clone(#old));
                    }
                }
            }
        });
        let unchanged: TokenStream = unchanged.collect();
        let arms: Vec<_> = variants.iter().map(|variant| self.put_arm(variant)).collect();
        let scrutinee = if arms.is_empty() { quote!(*#new) } else { quote!(#new) };
        quote!(#unchanged match #scrutinee { #(#arms)* })
    }

    fn put_arm(&self, variant: &Variant<'_>) -> TokenStream {
        let Names { private, new, flip, cx, .. } = self.names;
        let ident = variant.ident;
        if variant.attrs.new.is_some() {
            let value = match variant.back() {
                Some(back) => carry::call_back(self.names, back, new, flip),
                None => unreachable!("a new variant without `back` has no way back"),
            };
            return quote!(Self::#ident { .. } => #value,);
        }
        let (path, name) = (self.old_variant(&variant.old()), variant.ident.unraw().to_string());
        let select = |member: &Member| {
            let bound = local("selected");
            let pattern = self.of_variant(variant).one(member, &bound);
            quote! {
                match #flip {
                    #private::Some(#pattern) => #private::Some(#bound),
                    _ => #private::None,
                }
            }
        };
        let bound = going_back(&variant.fields);
        let values = self.old_fields(&variant.fields, &variant.attrs.removed, &select);
        if values.is_empty() {
            return quote!(Self::#ident { .. } => #private::Ok(#path {}),);
        }
        quote! {
            Self::#ident { #bound .. } => #private::Cx::field(#cx, #name, |#cx| {
                #private::Ok(#path { #(#values,)* })
            }),
        }
    }

    /// `const PROFILE`, and whether it is one-way for sure.
    fn profile(&self) -> (TokenStream, bool) {
        let Names { private, old, .. } = self.names;
        let ty = self.old;
        let place = self.input.ident.unraw().to_string();
        let whole = |value: TokenStream| quote!(|#old: &#ty| #value);
        let mut all = Whole::default();
        match &self.input.data {
            Data::Struct(fields) => {
                let of_field = |member: &Member, value: TokenStream| {
                    let pattern = self.whole().one(member, &binding(member));
                    quote!(|#old: &#ty| { let #pattern = #old; #value })
                };
                for field in fields {
                    let place = format!("{place}.{}", plain(&field.member));
                    all.add(&place, carry::known(self.names, field, &place, &of_field, &whole));
                }
                all.needs_old = restores(&self.input.attrs.removed);
            }
            Data::Enum(variants) => {
                for variant in variants {
                    let place = format!("{place}::{}", variant.ident.unraw());
                    self.profile_of_variant(&mut all, variant, &place, &whole);
                }
            }
        }
        let comparing = self.mappings().any(|mapping| !mapping.is_unit);
        let profile = match &all.one_way {
            Some((why, place)) => quote!(#private::Profile::one_way(#why).at(#place)),
            None if comparing => quote! {
                #private::comparing(<#private::Equality<Self>>::__UPGRADABLE_EQ).at(#place)
            },
            None => quote!(#private::Profile::both_ways()),
        };
        let needing_old = all.needs_old.then(|| quote!(.needing_old()));
        let forgetting = all.forgets.then(|| quote!(.forgetting()));
        let parts = &all.parts;
        let parts = (!parts.is_empty()).then(|| quote!(.with_parts(const { &[#(#parts),*] })));
        (quote!(#profile #needing_old #forgetting #parts), all.one_way.is_some())
    }

    fn profile_of_variant(
        &self,
        all: &mut Whole,
        variant: &Variant<'_>,
        place: &str,
        whole: &dyn Fn(TokenStream) -> TokenStream,
    ) {
        if variant.attrs.new.is_some() {
            all.forgets = true;
            if variant.back().is_none() {
                let why = "the variant is new and has no `back`";
                all.one_way.get_or_insert((why, place.to_owned()));
            }
            return;
        }
        let Names { private, old, .. } = self.names;
        let ty = self.old;
        let of_field = |member: &Member, value: TokenStream| {
            let pattern = self.of_variant(variant).one(member, &binding(member));
            // Through an option, so that neither arm is ever superfluous.
            quote! {
                |#old: &#ty| match #private::Some(#old) {
                    #private::Some(#pattern) => #value,
                    _ => #private::unreachable(),
                }
            }
        };
        for field in &variant.fields {
            let place = format!("{place}.{}", plain(&field.member));
            all.add(&place, carry::known(self.names, field, &place, &of_field, whole));
        }
        all.needs_old |= restores(&variant.attrs.removed);
    }

    /// The fields of the old struct.
    fn whole(&self) -> Olds<'_> {
        let fields = match &self.input.data {
            Data::Struct(fields) => fields.as_slice(),
            Data::Enum(_) => &[],
        };
        Olds { path: self.path.clone(), fields, removed: &self.input.attrs.removed }
    }

    /// The fields of the old variant that a variant comes from.
    fn of_variant<'a>(&self, variant: &'a Variant<'a>) -> Olds<'a> {
        let path = self.old_variant(&variant.old());
        Olds { path, fields: &variant.fields, removed: &variant.attrs.removed }
    }

    /// `Old::Variant`, where the variant's token has the blame for all of it.
    fn old_variant(&self, variant: &Ident) -> Path {
        let owner = respan(self.path.to_token_stream(), variant.span());
        parse_quote_spanned!(variant.span()=> #owner::#variant)
    }

    /// The removed variants.
    fn mappings(&self) -> impl Iterator<Item = Mapping<'_>> {
        self.input.attrs.removed.iter().filter_map(|removed| match removed {
            Removed::Field { .. } => None,
            Removed::Variant { ident, pattern, to } => {
                let path = self.old_variant(ident);
                let pattern = match pattern {
                    Some(pattern) => quote!(#path #pattern),
                    None => quote!(#path { .. }),
                };
                Some(Mapping { pattern, to, is_unit: self.is_unit(to) })
            }
        })
    }

    /// Whether an expression names a variant of the new type that has no fields.
    fn is_unit(&self, to: &Expr) -> bool {
        let (Expr::Path(path), Data::Enum(variants)) = (to, &self.input.data) else { return false };
        let mut segments = path.path.segments.iter().rev();
        let (Some(last), Some(owner)) = (segments.next(), segments.next()) else { return false };
        let owned = owner.ident == *self.input.ident || owner.ident == "Self";
        owned && variants.iter().any(|it| *it.ident == last.ident && it.fields.is_empty())
    }
}

/// A removed variant and what its values become.
struct Mapping<'a> {
    pattern: TokenStream,
    to: &'a Expr,
    /// Values of the new variant are all alike.
    is_unit: bool,
}

impl Mapping<'_> {
    /// `let mapped = ...`, the same wherever it stands, so that a mistake is told once.
    fn mapped(&self) -> TokenStream {
        let (to, span) = (self.to, self.to.span());
        let mapped = at(&local("mapped"), span);
        quote_spanned!(span=> let #mapped: Self = #to;)
    }
}

/// What is known of all fields together.
#[derive(Default)]
struct Whole {
    parts: Vec<TokenStream>,
    one_way: Option<(&'static str, String)>,
    forgets: bool,
    needs_old: bool,
}

impl Whole {
    fn add(&mut self, place: &str, known: Known) {
        self.parts.extend(known.parts);
        self.forgets |= known.forgets;
        if let (None, Some(why)) = (&self.one_way, known.one_way) {
            self.one_way = Some((why, place.to_owned()));
        }
    }
}

/// The bindings of the new fields that are looked at on the way back.
fn going_back(fields: &[Field<'_>]) -> TokenStream {
    let bound = fields.iter().filter(|field| carry::goes_back(field)).map(|field| {
        let (member, bound) = (&field.member, binding(&field.member));
        quote!(#member: #bound,)
    });
    bound.collect()
}

/// The old fields that are accounted for, of a struct or a variant.
///
/// Wherever some of them are looked at, the pattern names all of them. So, when the user names one
/// that does not exist, the compiler has the same to say everywhere, and says it once.
struct Olds<'a> {
    path: Path,
    fields: &'a [Field<'a>],
    removed: &'a [Removed],
}

impl Olds<'_> {
    /// Binds what is carried; without `..`, unless another place accounts for all.
    fn taken(&self, is_exhaustive: bool) -> TokenStream {
        let carried = self.fields.iter().flat_map(carry::olds).map(|(member, bound)| match bound {
            Some(bound) => quote!(#member: #bound,),
            None => quote!(#member: _,),
        });
        let removed = self.removed.iter().filter_map(gone).map(|(member, _)| quote!(#member: _,));
        let rest = (!is_exhaustive).then(|| quote!(..));
        self.pattern(&quote!(#(#carried)* #(#removed)* #rest))
    }

    /// Binds one field.
    fn one(&self, member: &Member, bound: &Ident) -> TokenStream {
        let carried = self.fields.iter().flat_map(carry::olds).map(|(member, _)| member);
        let removed = self.removed.iter().filter_map(gone).map(|(member, _)| member.clone());
        let all = carried
            .chain(removed)
            .map(|each| if each == *member { quote!(#each: #bound) } else { quote!(#each: _) });
        self.pattern(&quote!(#(#all,)* ..))
    }

    /// With the user's span on all of it: only then does the compiler name missing fields.
    fn pattern(&self, fields: &TokenStream) -> TokenStream {
        let path = &self.path;
        let span = path.segments.last().map_or_else(|| path.span(), Spanned::span);
        quote_spanned!(span=> #path { #fields })
    }
}

fn gone(removed: &Removed) -> Option<(&Member, Option<&Expr>)> {
    match removed {
        Removed::Field { member, value } => Some((member, value.as_ref())),
        Removed::Variant { .. } => None,
    }
}

/// Whether a removed field has no value but the one at the flip.
fn restores(removed: &[Removed]) -> bool {
    removed.iter().filter_map(gone).any(|(_, value)| value.is_none())
}

/// Tokens that point at `span`, with their own hygiene.
fn respan(tokens: TokenStream, span: proc_macro2::Span) -> TokenStream {
    let tokens = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    tokens.collect()
}
