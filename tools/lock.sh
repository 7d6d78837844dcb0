#!/bin/sh
# Rewrites requirements/*.lock from pyproject.toml: newest versions, every artefact pinned by hash.
# Needs `uv` on PATH; run it when a dependency is added or to take upgrades, and commit what it writes.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade \
        --no-emit-index-url --no-emit-find-links pyproject.toml requirements/build.in "$@" -o "requirements/$out.lock"
}
lock run --extra demo
lock dev --extra demo --extra dev --extra bench
