//! What is written for wrong input: implementations that satisfy whoever needs some.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::attr::ContainerAttrs;
use crate::expand::{Names, bounded};

/// Implements everything a version can be asked for, with nothing behind it.
pub(crate) fn expand(input: &DeriveInput, attrs: Option<&ContainerAttrs>) -> TokenStream {
    let names = Names::new(attrs.and_then(|attrs| attrs.krate.as_ref()).map(|krate| &krate.value));
    let private = &names.private;
    let ident = &input.ident;
    let generics = bounded(private, &input.generics);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    // From any predecessor, and to any successor: which ones are meant is not known for sure.
    let transformer = attrs.is_none_or(|attrs| attrs.manual.is_none()).then(|| {
        let mut generics = generics.clone();
        generics.params.push(syn::parse_quote!(__Old));
        let (impl_generics, ..) = generics.split_for_impl();
        quote! {
            impl #impl_generics #private::UpgradeFrom<__Old> for #ident #ty_generics #where_clause {
                fn upgrade_from(
                    _: &__Old,
                    _: &mut #private::Cx<'_>,
                ) -> #private::Result<Self, #private::TransformError> {
                    #private::unreachable()
                }
            }
        }
    });
    quote! {
        const _: () = {
            impl #impl_generics #private::Upgradable for #ident #ty_generics #where_clause {
                const LINEAGE: &'static #private::str = "";
                const VERSION: #private::u32 = 1;
                const FINGERPRINT: #private::Fingerprint = #private::Fingerprint::from_bits(0);
                type Prev = #private::Origin;
            }
            impl #impl_generics #private::Shape for #ident #ty_generics #where_clause {
                const NAME: &'static #private::str = "";
            }
            #transformer
        };
    }
}
