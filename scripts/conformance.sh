#!/bin/sh
# The conformance suite (test/conformance/) against ./hako-oci and Debian's runc and crun; writes docs/conformance.md. Fails when
# hako-oci fails a claim, or when runc fails one that is not known of it, since then the suite may be wrong.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
exec node_modules/.bin/node scripts/conformance.ts
