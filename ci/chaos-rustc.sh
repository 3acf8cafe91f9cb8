#!/usr/bin/env bash
# The compiler, with bad luck: see chaos.sh.
exec "$@" --cfg chaos
