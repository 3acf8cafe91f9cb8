#!/usr/bin/env bash
# The key-value server beside Redis: one conversation with both, in both versions of the protocol, while
# the server is upgraded, and every answer is compared. Then clients that Redis brings with it, and a
# short run of each experiment. Argument: how many commands the conversation has (100000: the whole).
# Needs redis-server and redis-tools; where they can't be had, it says so and is content.
set -euo pipefail
cd "$(dirname "$0")/.."

is_there() {
    for program in redis-server redis-benchmark redis-cli; do
        command -v "$program" >/dev/null || return 1
    done
}
if ! is_there; then
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        { apt-get update && apt-get install -y --no-install-recommends redis-server redis-tools; } \
            >/dev/null 2>&1 || true
    fi
    if ! is_there; then
        echo 'skipped: there is no Redis, and its packages can not be had'
        exit 0
    fi
fi

commands=${1:-20000}
target=${CARGO_TARGET_DIR:-target}/release
cargo build --release -p upgradable-kv -p upgradable-kv-bench
bench=$target/kv-bench

"$bench" conversation --commands "$commands" --seed 1
"$bench" conversation --commands "$commands" --seed 2 --resp3

out=$(mktemp -d)
"$target/kv" serve --port 0 --clients 100 >"$out/kv" &
server=$!
trap 'kill $server 2>/dev/null || true; rm -rf "$out"' EXIT
for _ in $(seq 100); do
    grep -q 'kv listens' "$out/kv" && break
    sleep 0.1
done
port=$(sed -n 's/^kv listens at .*://p' "$out/kv")
[ "$(redis-cli -p "$port" set greeting hello)" = OK ]
[ "$(redis-cli -3 -p "$port" get greeting)" = hello ]
[ "$("$target/kv" upgrade start 2 --port "$port" | grep -c complete)" = 1 ]
[ "$(redis-cli -3 -p "$port" hset user:1 name Ada)" = 1 ]
[ "$(redis-cli -p "$port" --scan | sort | tr '\n' ' ')" = 'greeting user:1 ' ]
redis-cli -p "$port" shutdown nosave
wait "$server"

"$bench" throughput --rounds 1 --requests 5000 --keys 1000
"$bench" upgrade --entries 20000 --seconds 2 --before 1 --pipeline 1,16 --out "$out/report"
