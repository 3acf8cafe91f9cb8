#!/usr/bin/env bash
# Rules that neither rustfmt nor clippy knows.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

complain() { # headline, offending lines
    if [ -n "$2" ]; then
        printf 'tidy: %s\n%s\n' "$1" "$2" >&2
        failed=1
    fi
}

# Text files only: no stored image or binary is looked into.
complain 'sources are ASCII' \
    "$(git grep -nP '[^\x00-\x7F]' -- '*.rs' '*.toml' '*.sh' || true)"
complain 'unsafe code only in modules named raw' \
    "$(git grep -nE '\bunsafe (\{|fn|impl|extern|trait)' -- '*.rs' |
        grep -vE '(^|/)raw(/|\.rs:|_)' || true)"
# (The tables by kind, the tags of domains and what drives the models are no part of what is modelled.)
complain 'atomics, locks and threads come through stm/src/sync' \
    "$(git grep -nE 'std::sync::(atomic|Mutex|RwLock|Condvar|\{.*Mutex)|parking_lot' -- 'stm/src/*.rs' |
        grep -vE '^stm/src/(sync/|models/|kind\.rs|kind_map\.rs|raw/kinds\.rs|domain/tag\.rs|reclaim/collector\.rs)' |
        grep -vE ':[0-9]+: *//[/!] ' || true)"
complain 'nothing is left unfinished' \
    "$(git grep -nE 'todo!\(|unimplemented!\(|FIXME|XXX' -- '*.rs' || true)"
complain 'no source file over 700 lines' \
    "$(git ls-files '*.rs' | while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -gt 700 ] && echo "$file: $lines"
    done || true)"
exit $failed
