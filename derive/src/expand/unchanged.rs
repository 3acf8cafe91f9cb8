//! `impl UpgradeFrom<Self>`: what a version is to itself.
//!
//! A type without parameters is cloned. A generic one is the same with other arguments, which may
//! be of other versions: `Pair<LineV1>` becomes `Pair<LineV2>`, field by field.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::visit_mut::VisitMut;
use syn::{Type, TypePath, WherePredicate, parse_quote};

use super::generics::{Renamed, add_renamed, bounds, idents};
use super::{Names, binding, carry, local, plain};
use crate::ast::{Data, Field, Fresh, Input, Source};

pub(crate) fn expand(names: &Names, input: &Input<'_>) -> TokenStream {
    if input.generics.type_params().next().is_none() {
        return cloned(names, input);
    }
    Mapped::new(names, input).expand()
}

fn cloned(names: &Names, input: &Input<'_>) -> TokenStream {
    let Names { private, old, new, .. } = names;
    let ident = input.ident;
    let (impl_generics, ty_generics, where_clause) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::UpgradeFrom<Self> for #ident #ty_generics #where_clause {
            const PROFILE: #private::Profile = #private::Profile::both_ways();
            fn upgrade_from(
                #old: &Self,
                _: &mut #private::Cx<'_>,
            ) -> #private::Result<Self, #private::TransformError> {
                #private::Ok(#private::cloned(#old))
            }
            fn put(
                #new: &Self,
                _: #private::Option<&Self>,
                _: &mut #private::Cx<'_>,
            ) -> #private::Result<Self, #private::TransformError> {
                #private::Ok(#private::cloned(#new))
            }
        }
    }
}

/// What the parts of a generic type's implementation share.
struct Mapped<'a> {
    names: &'a Names,
    input: &'a Input<'a>,
    params: Vec<Ident>,
    /// The type with its other arguments.
    old: TypePath,
}

/// How a field is mapped.
enum Way {
    /// It does not depend on the arguments.
    Same,
    /// It does.
    Upgraded(Box<Type>),
    /// It is never carried.
    Fresh,
}

impl<'a> Mapped<'a> {
    fn new(names: &'a Names, input: &'a Input<'a>) -> Self {
        let params: Vec<_> =
            input.generics.type_params().map(|param| param.ident.clone()).collect();
        let ident = input.ident;
        let (_, ty_generics, _) = input.generics.split_for_impl();
        let mut old: TypePath = parse_quote!(#ident #ty_generics);
        Renamed::new(&params, None).visit_type_path_mut(&mut old);
        Self { names, input, params, old }
    }

    fn expand(&self) -> TokenStream {
        let Names { private, old, new, flip, cx, .. } = self.names;
        let (ident, ty) = (self.input.ident, &self.old);
        let mut generics = bounds(private, self.input);
        let mut renamed = Renamed::new(&self.params, None);
        add_renamed(private, &mut generics, self.input.generics, &mut renamed);
        generics.make_where_clause().predicates.extend(self.predicates());
        let (impl_generics, _, where_clause) = generics.split_for_impl();
        let (_, ty_generics, _) = self.input.generics.split_for_impl();
        let (upgrade, put) = (self.body(false), self.body(true));
        let parts = self.input.data.fields().filter_map(|field| match self.way(field) {
            Way::Upgraded(old) => {
                let (new, place) = (field.ty, plain(&field.member));
                let place = format!("{ident}.{place}");
                Some(quote! {
                    #private::Part::new(|| <#new as #private::UpgradeFrom<#old>>::PROFILE)
                        .at(#place)
                })
            }
            _ => None,
        });
        quote! {
            #[automatically_derived]
            impl #impl_generics #private::UpgradeFrom<#ty> for #ident #ty_generics #where_clause {
                const PROFILE: #private::Profile =
                    #private::Profile::both_ways().with_parts(const { &[#(#parts),*] });
                fn upgrade_from(
                    #old: &#ty,
                    #cx: &mut #private::Cx<'_>,
                ) -> #private::Result<Self, #private::TransformError> {
                    let _ = &#cx;
                    #upgrade
                }
                fn put(
                    #new: &Self,
                    #flip: #private::Option<&#ty>,
                    #cx: &mut #private::Cx<'_>,
                ) -> #private::Result<#ty, #private::TransformError> {
                    let _ = (&#flip, &#cx);
                    #put
                }
            }
        }
    }

    fn way(&self, field: &Field<'_>) -> Way {
        let ty = field.ty;
        let named = idents(quote!(#ty));
        let depends = self.params.iter().any(|param| named.contains(&param.to_string()))
            || named.contains("Self");
        if matches!(field.source(), Source::Fresh(Fresh { skipped: true, .. })) {
            return if depends { Way::Fresh } else { Way::Same };
        }
        if !depends {
            return Way::Same;
        }
        let mut old = ty.clone();
        Renamed::new(&self.params, Some(self.old.clone())).visit_type_mut(&mut old);
        Way::Upgraded(Box::new(old))
    }

    /// That the fields can be mapped. Without these the derive would fail for a type that
    /// contains a generic type without transformers, though nobody may need one. Those that
    /// contain the type itself cannot be asked for, and need not be.
    fn predicates(&self) -> Vec<WherePredicate> {
        let private = &self.names.private;
        let this = self.input.ident.to_string();
        let mut predicates = Vec::new();
        for field in self.input.data.fields() {
            let new = field.ty;
            let named = idents(quote!(#new));
            let is_param =
                self.params.iter().any(|param| quote!(#new).to_string() == *param.to_string());
            if is_param || named.contains(&this) || named.contains("Self") {
                continue;
            }
            match self.way(field) {
                Way::Same => {}
                Way::Upgraded(old) => {
                    predicates.push(parse_quote!(#new: #private::UpgradeFrom<#old>));
                }
                Way::Fresh => {
                    predicates.push(parse_quote!(#new: #private::Default));
                    let mut old = new.clone();
                    Renamed::new(&self.params, None).visit_type_mut(&mut old);
                    predicates.push(parse_quote!(#old: #private::Default));
                }
            }
        }
        predicates
    }

    /// The body of either direction.
    fn body(&self, back: bool) -> TokenStream {
        let Names { private, old, new, .. } = self.names;
        let (source, target) = if back {
            (quote!(#new), carry::constructor(&self.old.path))
        } else {
            (quote!(#old), parse_quote!(Self))
        };
        match &self.input.data {
            Data::Struct(fields) => {
                let pattern = self.pattern(fields);
                let select = |member: &syn::Member| {
                    let (flip, bound) = (&self.names.flip, local("selected"));
                    quote!(#private::Option::map(#flip, |#bound| &#bound.#member))
                };
                let values = fields.iter().map(|field| self.value(field, back, &select));
                let ident = self.input.ident;
                quote! {
                    let #ident { #pattern .. } = #source;
                    #private::Ok(#target { #(#values,)* })
                }
            }
            Data::Enum(variants) => {
                let arms = variants.iter().map(|variant| {
                    let (this, ident) = (self.input.ident, variant.ident);
                    let pattern = self.pattern(&variant.fields);
                    let select = |member: &syn::Member| {
                        let (flip, bound) = (&self.names.flip, local("selected"));
                        quote! {
                            match #flip {
                                #private::Some(#this::#ident { #member: #bound, .. }) => {
                                    #private::Some(#bound)
                                }
                                _ => #private::None,
                            }
                        }
                    };
                    let values =
                        variant.fields.iter().map(|field| self.value(field, back, &select));
                    quote! {
                        #this::#ident { #pattern .. } => {
                            #private::Ok(#target::#ident { #(#values,)* })
                        }
                    }
                });
                quote!(match #source { #(#arms)* })
            }
        }
    }

    fn pattern(&self, fields: &[Field<'_>]) -> TokenStream {
        let bound = fields.iter().filter(|field| !matches!(self.way(field), Way::Fresh));
        let bound = bound.map(|field| {
            let (member, bound) = (&field.member, binding(&field.member));
            quote!(#member: #bound,)
        });
        bound.collect()
    }

    fn value(&self, field: &Field<'_>, back: bool, select: carry::Select<'_>) -> TokenStream {
        let Names { private, cx, .. } = self.names;
        let (member, bound, name) = (&field.member, binding(&field.member), plain(&field.member));
        match self.way(field) {
            Way::Same => quote!(#member: #private::Clone::clone(#bound)),
            Way::Fresh => quote!(#member: #private::Default::default()),
            Way::Upgraded(old) => {
                let new = field.ty;
                let call = if back {
                    let partner = select(member);
                    quote!(put(#bound, #partner, #cx))
                } else {
                    quote!(upgrade_from(#bound, #cx))
                };
                quote! {
                    #member: #private::Cx::field(#cx, #name, |#cx| {
                        <#new as #private::UpgradeFrom<#old>>::#call
                    })?
                }
            }
        }
    }
}
