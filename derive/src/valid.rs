//! What attributes must not say together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{GenericParam, Member, Meta, Type};

use crate::ast::{Data, Field, Input, Source, Variant};
use crate::attr::{Removed, Set, bare_type};
use crate::ctxt::Ctxt;

/// Reports everything that is wrong.
pub(crate) fn check(cx: &Ctxt, input: &Input<'_>) {
    check_item(cx, input);
    check_version(cx, input);
    check_name(cx, input);
    match &input.data {
        Data::Struct(fields) => {
            check_removed_fields(cx, input, &input.attrs.removed, fields);
            for field in fields {
                check_field(cx, input, field, None);
            }
        }
        Data::Enum(variants) => {
            check_removed_variants(cx, input, variants);
            for variant in variants {
                check_variant(cx, input, variant);
                check_removed_fields(cx, input, &variant.attrs.removed, &variant.fields);
                for field in &variant.fields {
                    check_field(cx, input, field, Some(variant));
                }
            }
        }
    }
}

fn check_item(cx: &Ctxt, input: &Input<'_>) {
    for param in &input.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            cx.error(
                lifetime,
                "an upgradable type owns its data, so it has no lifetime parameters",
            );
        }
    }
    for attr in input.original.attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        let Meta::List(list) = &attr.meta else { continue };
        let is_packed = |token: proc_macro2::TokenTree| token.to_string() == "packed";
        if list.tokens.clone().into_iter().any(is_packed) {
            cx.error(list, "a packed type cannot be upgraded: its fields cannot be borrowed");
        }
    }
}

fn check_version(cx: &Ctxt, input: &Input<'_>) {
    let attrs = &input.attrs;
    let number = attrs.version.as_ref().map(|version| &version.value);
    match (number, &attrs.from, &attrs.origin) {
        (_, Some(from), Some(origin)) => cx.error(
            &origin.key,
            format!(
                "`origin` says that there is no version before this one, but `from` names `{}`",
                from.value.to_token_stream()
            ),
        ),
        (Some(number), ..) if number.value == 0 => {
            cx.error(&number.literal, "versions count from 1");
        }
        (Some(number), Some(_), None) if number.value == 1 => cx.error(
            &number.literal,
            "version 1 is the first of its lineage; a type with `from` is version 2 or later",
        ),
        (Some(number), None, None) if number.value > 1 => cx.error(
            &number.literal,
            format!(
                "version {} comes after another: name it with `from = Type`, or write `origin` if \
                 the earlier versions are gone for good",
                number.value
            ),
        ),
        _ => {}
    }
    if let Some(from) = &attrs.from
        && from.value.path.is_ident(input.ident)
    {
        cx.error(&from.value, "a type cannot come before itself; name its previous version");
    }
    if let (None, Some(manual)) = (&attrs.from, &attrs.manual) {
        cx.error(&manual.key, "`manual` is for the step from another type, and there is no `from`");
    }
}

fn check_name(cx: &Ctxt, input: &Input<'_>) {
    let Some(Set { value: name, .. }) = &input.attrs.name else { return };
    let text = name.value();
    if text.is_empty() {
        cx.error(name, "a lineage needs a name");
    } else if text.len() > 200 {
        cx.error(name, "a lineage's name is at most 200 bytes");
    } else if text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>{},".contains(c)) {
        cx.error(name, "a lineage's name has no spaces, commas or brackets");
    }
}

/// Why attributes about an old value have no place; `None` when they have one.
fn pointless(input: &Input<'_>, variant: Option<&Variant<'_>>) -> Option<&'static str> {
    if input.attrs.manual.is_some() {
        Some("the transformer is written by hand (`manual`)")
    } else if input.attrs.from.is_none() {
        Some("this type has no predecessor; name it with `from = Type` on the type")
    } else if variant.is_some_and(|variant| variant.attrs.new.is_some()) {
        Some("the variant is new, so no old value ever becomes it")
    } else {
        None
    }
}

fn check_removed_fields(cx: &Ctxt, input: &Input<'_>, removed: &[Removed], fields: &[Field<'_>]) {
    let mut takers = HashMap::new();
    let why = pointless(input, None);
    for entry in removed {
        let (token, member) = match entry {
            Removed::Field { member, .. } => (member.to_token_stream(), member),
            Removed::Variant { ident, .. } => {
                cx.error(ident, "a mapping `=>` is for removed variants, and this lists fields");
                continue;
            }
        };
        if let Some(why) = why {
            cx.error(token, format!("nothing is removed here: {why}"));
        } else if takers.insert(member.clone(), None).is_some() {
            cx.error(token, format!("`{}` is removed twice", show(member)));
        }
    }
    if why.is_some() {
        return;
    }
    for field in fields {
        for old in olds(field) {
            match takers.entry(old.clone()) {
                Entry::Vacant(entry) => {
                    entry.insert(Some(&field.member));
                }
                Entry::Occupied(taken) => cx.error(
                    at(field, &old),
                    match taken.get() {
                        None => format!("`{}` is removed, so it cannot become a field", show(&old)),
                        Some(other) => format!(
                            "the old field `{}` already becomes `{}`; use `compute` for a second \
                             field from it",
                            show(&old),
                            show(other)
                        ),
                    },
                ),
            }
        }
    }
}

/// The old fields that a field accounts for.
fn olds(field: &Field<'_>) -> Vec<Member> {
    match field.source() {
        Source::Carried(carried) => vec![carried.old],
        Source::Fresh(fresh) => fresh.ignored.cloned().into_iter().collect(),
        Source::Flattened(flatten) => flatten.fields.iter().map(|(_, old)| old.clone()).collect(),
    }
}

/// What to point at when `old` is the trouble with `field`.
fn at(field: &Field<'_>, old: &Member) -> proc_macro2::TokenStream {
    if let Some(from) = &field.attrs.from {
        return from.value.to_token_stream();
    }
    if let Some(flatten) = &field.attrs.flatten {
        let listed = flatten.value.fields.iter().find(|(_, listed)| listed == old);
        return listed.map(|(_, listed)| listed.to_token_stream()).unwrap_or_default();
    }
    match &field.member {
        Member::Named(ident) => ident.to_token_stream(),
        Member::Unnamed(_) => field.ty.to_token_stream(),
    }
}

fn check_field(cx: &Ctxt, input: &Input<'_>, field: &Field<'_>, variant: Option<&Variant<'_>>) {
    let attrs = &field.attrs;
    if let Some(why) = pointless(input, variant) {
        for key in attrs.keys().into_iter().filter(|key| *key != "skip") {
            // What a skipped field begins with may be said in every version.
            if attrs.skip.is_none() || key != "default" {
                cx.error(key, format!("`{key}` has no effect: {why}"));
            }
        }
        return;
    }
    let (with, try_with) = (key(&attrs.with), key(&attrs.try_with));
    let (back, try_back) = (key(&attrs.back), key(&attrs.try_back));
    let (default, compute) = (key(&attrs.default), key(&attrs.compute));
    let (from, flatten, skip) = (key(&attrs.from), key(&attrs.flatten), key(&attrs.skip));

    exclusive(cx, "a field has one source", &[with, try_with, default, compute, flatten]);
    exclusive(cx, "there is one way back", &[back, try_back]);
    for other in [with, try_with, flatten] {
        exclusive(cx, "a skipped field is not carried", &[skip, other]);
    }
    if skip.is_none() {
        for other in [default, compute, flatten] {
            exclusive(cx, "the field comes from an old one or it does not", &[from, other]);
        }
    }
    for back in [back, try_back] {
        for other in [default, compute, skip, flatten] {
            exclusive(cx, "there is no old field to go back to", &[other, back]);
        }
    }
    if let Some(flatten) = &attrs.flatten
        && !matches!(bare_type(field.ty), Type::Path(path) if path.qself.is_none())
    {
        cx.error(&flatten.key, "`flatten` builds a struct, so the field's type must be a path");
    }
}

fn key<T>(set: &Option<Set<T>>) -> Option<&Ident> {
    set.as_ref().map(|set| &set.key)
}

/// At most one of them; points at the later ones.
fn exclusive(cx: &Ctxt, why: &str, keys: &[Option<&Ident>]) {
    let mut there = keys.iter().flatten();
    let Some(first) = there.next() else { return };
    for second in there {
        cx.error(second, format!("`{second}` contradicts `{first}`: {why}"));
    }
}

fn check_variant(cx: &Ctxt, input: &Input<'_>, variant: &Variant<'_>) {
    let attrs = &variant.attrs;
    let (new, from) = (key(&attrs.new), key(&attrs.from));
    let (back, try_back) = (key(&attrs.back), key(&attrs.try_back));
    if let Some(why) = pointless(input, None) {
        for key in [new, from, back, try_back].into_iter().flatten() {
            cx.error(key, format!("`{key}` has no effect: {why}"));
        }
        return;
    }
    exclusive(cx, "a new variant comes from no old one", &[new, from]);
    exclusive(cx, "there is one way back", &[back, try_back]);
    if new.is_none() {
        for back in [back, try_back].into_iter().flatten() {
            cx.error(
                back,
                format!("`{back}` is for new variants: this one goes back to the one it came from"),
            );
        }
    } else if let Some(Removed::Field { member, .. }) = attrs.removed.first() {
        cx.error(member, "a new variant has no old fields to remove");
    }
}

fn check_removed_variants(cx: &Ctxt, input: &Input<'_>, variants: &[Variant<'_>]) {
    let mut takers: HashMap<String, Option<&Ident>> = HashMap::new();
    let why = pointless(input, None);
    for entry in &input.attrs.removed {
        let ident = match entry {
            Removed::Variant { ident, .. } => ident,
            Removed::Field { member, .. } => {
                cx.error(
                    member,
                    format!(
                        "say what the values of a removed variant become: `{} => {}::Variant`; \
                         fields are removed at their variant",
                        show(member),
                        input.ident
                    ),
                );
                continue;
            }
        };
        if let Some(why) = why {
            cx.error(ident, format!("nothing is removed here: {why}"));
        } else if takers.insert(ident.to_string(), None).is_some() {
            cx.error(ident, format!("`{ident}` is removed twice"));
        }
    }
    if why.is_some() {
        return;
    }
    for variant in variants.iter().filter(|variant| variant.attrs.new.is_none()) {
        let old = variant.old();
        let token = variant.attrs.from.as_ref().map_or(variant.ident, |from| &from.value);
        match takers.entry(old.to_string()) {
            Entry::Vacant(entry) => {
                entry.insert(Some(variant.ident));
            }
            Entry::Occupied(taken) => cx.error(
                token,
                match taken.get() {
                    None => format!(
                        "`{old}` is removed, so it cannot become a variant; a variant of that \
                         name is `new`"
                    ),
                    Some(other) => format!(
                        "the old variant `{old}` already becomes `{other}`; to merge variants, \
                         map the others in `removed(Old => {}::{other})`",
                        input.ident
                    ),
                },
            ),
        }
    }
}

/// A member, as the user wrote it.
fn show(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
