//! Type parameters: what they must be, and the old ones beside the new ones.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{Expr, Generics, TypePath, WherePredicate, parse_quote};

use super::Names;
use crate::ast::{Data, Init, Input, Source, Variant};
use crate::attr::Removed;

/// The generics, with what every argument of an upgradable type must be.
pub(crate) fn bounded(private: &TokenStream, generics: &Generics) -> Generics {
    let mut bounded = generics.clone();
    let where_clause = bounded.make_where_clause();
    for lifetime in generics.lifetimes() {
        let lifetime = &lifetime.lifetime;
        where_clause.predicates.push(parse_quote!(#lifetime: 'static));
    }
    for param in generics.type_params() {
        let ident = &param.ident;
        where_clause.predicates.push(argument(private, ident));
    }
    bounded
}

/// As [`bounded`], and what the step from the predecessor needs: the defaults of fields whose
/// type depends on an argument.
pub(crate) fn bounds(private: &TokenStream, input: &Input<'_>) -> Generics {
    let mut generics = bounded(private, input.generics);
    if input.attrs.from.is_some() {
        // With the same arguments on both sides.
        for param in input.generics.type_params() {
            let ident = &param.ident;
            let predicate = parse_quote!(#ident: #private::UpgradeFrom<#ident>);
            generics.make_where_clause().predicates.push(predicate);
        }
    }
    let params: Vec<_> = input.generics.type_params().map(|it| it.ident.to_string()).collect();
    for field in input.data.fields() {
        let ty = field.ty;
        let named = idents(quote!(#ty));
        let is_fresh = match field.source() {
            Source::Fresh(fresh) => matches!(fresh.init, Init::Default),
            _ => false,
        };
        if is_fresh && params.iter().any(|param| named.contains(param)) {
            generics.make_where_clause().predicates.push(parse_quote!(#ty: #private::Default));
        }
    }
    generics
}

/// All identifiers in some tokens.
pub(crate) fn idents(tokens: TokenStream) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open = vec![tokens];
    while let Some(tokens) = open.pop() {
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    found.insert(ident.to_string());
                }
                TokenTree::Group(group) => open.push(group.stream()),
                _ => {}
            }
        }
    }
    found
}

/// What an argument of an upgradable type must be.
fn argument(private: &TokenStream, ident: &Ident) -> syn::WherePredicate {
    parse_quote! {
        #ident: #private::Shape
            + #private::Clone
            + #private::Send
            + #private::Sync
            + 'static
    }
}

/// The generics of the step, and the old type in them.
///
/// An argument may have been upgraded itself, so the old type has arguments of its own:
/// `impl<T: UpgradeFrom<OldT>, OldT> UpgradeFrom<PairV1<OldT>> for Pair<T>`. Those that the user's
/// functions name stay the same on both sides, as the functions are written for them.
pub(crate) fn of_step(names: &Names, input: &Input<'_>, from: &TypePath) -> (Generics, TypePath) {
    let private = &names.private;
    let mut generics = bounds(private, input);
    let mut old = from.clone();
    let in_from = idents(quote!(#from));
    let in_functions = idents(functions(input));
    let replaced: Vec<_> = input
        .generics
        .type_params()
        .map(|param| param.ident.clone())
        .filter(|ident| in_from.contains(&ident.to_string()))
        .filter(|ident| !in_functions.contains(&ident.to_string()))
        .collect();
    let mut renamed = Renamed::new(&replaced, None);
    renamed.visit_type_path_mut(&mut old);
    add_renamed(private, &mut generics, input.generics, &mut renamed);
    (generics, old)
}

/// Adds the renamed arguments, with the bounds of those they are renamed from, and the
/// transformers between the two.
pub(crate) fn add_renamed(
    private: &TokenStream,
    generics: &mut Generics,
    original: &Generics,
    renamed: &mut Renamed,
) {
    let mut predicates: Vec<WherePredicate> = Vec::new();
    for param in original.type_params() {
        let Some(old) = renamed.of(&param.ident) else { continue };
        let new = &param.ident;
        predicates.push(argument(private, &old));
        predicates.push(parse_quote!(#new: #private::UpgradeFrom<#old>));
        let mut param = param.clone();
        param.default = None;
        param.ident = old;
        param.bounds.iter_mut().for_each(|bound| renamed.visit_type_param_bound_mut(bound));
        generics.params.push(syn::GenericParam::Type(param));
    }
    for predicate in original.where_clause.iter().flat_map(|clause| &clause.predicates) {
        let mut predicate = predicate.clone();
        renamed.visit_where_predicate_mut(&mut predicate);
        predicates.push(predicate);
    }
    // Constants stand after types.
    let is_const = |param: &syn::GenericParam| matches!(param, syn::GenericParam::Const(_));
    let params = std::mem::take(&mut generics.params);
    let (consts, types): (Vec<_>, Vec<_>) = params.into_iter().partition(is_const);
    generics.params = types.into_iter().chain(consts).collect();
    generics.make_where_clause().predicates.extend(predicates);
}

/// Renames type parameters, and `Self`.
pub(crate) struct Renamed {
    params: Vec<(Ident, Ident)>,
    this: Option<TypePath>,
}

impl Renamed {
    pub(crate) fn new(params: &[Ident], this: Option<TypePath>) -> Self {
        let rename = |ident: &Ident| {
            let old = format!("__Old{}", ident.unraw());
            (ident.clone(), Ident::new(&old, ident.span()))
        };
        Self { params: params.iter().map(rename).collect(), this }
    }

    fn of(&self, param: &Ident) -> Option<Ident> {
        self.params.iter().find(|(new, _)| new == param).map(|(_, old)| old.clone())
    }
}

impl VisitMut for Renamed {
    fn visit_type_path_mut(&mut self, path: &mut TypePath) {
        if let Some(this) = &self.this
            && path.path.is_ident("Self")
        {
            *path = this.clone();
            return;
        }
        if path.qself.is_none()
            && let Some(first) = path.path.segments.first_mut()
            && first.arguments.is_none()
            && let Some((_, old)) = self.params.iter().find(|(new, _)| *new == first.ident)
        {
            first.ident = old.clone();
        }
        visit_mut::visit_type_path_mut(self, path);
    }
}

/// What the user wrote for one type of argument: functions, and values of the old type.
fn functions(input: &Input<'_>) -> TokenStream {
    let mut all: Vec<&Expr> = Vec::new();
    for field in input.data.fields() {
        let attrs = &field.attrs;
        let sets = [&attrs.with, &attrs.try_with, &attrs.back, &attrs.try_back, &attrs.compute];
        all.extend(sets.into_iter().flatten().map(|set| &set.value.expr));
    }
    let mut removed: Vec<&Removed> = input.attrs.removed.iter().collect();
    if let Data::Enum(variants) = &input.data {
        all.extend(variants.iter().filter_map(Variant::back).map(|back| &back.function.expr));
        removed.extend(variants.iter().flat_map(|variant| &variant.attrs.removed));
    }
    all.extend(removed.into_iter().filter_map(|removed| match removed {
        Removed::Variant { to, .. } => Some(to),
        Removed::Field { value, .. } => value.as_ref(),
    }));
    quote!(#(#all)*)
}
