#!/bin/sh
# What `npm test` tries a sample of: every call to the kernel fails in every plausible way (faults.ts), and hakod is killed at
# random moments, HAKO_KILLS times. Usage: faults.sh [PART-OF-A-SCENARIO'S-NAME…]
set -u
cd "$(dirname "$0")/.." || exit 1
sh scripts/setup.sh || exit 1
export HAKO_KILLS="${HAKO_KILLS:-300}" HAKO_TEST_ENTRY=dist
failed=0
node_modules/.bin/node --test --test-force-exit --test-name-pattern='at any moment' test/recovery.test.ts || failed=1
node_modules/.bin/node scripts/faults.ts "$@" || failed=1
exit $failed
