/**
 * Runs the suite against a runtime: `node test/conformance/run.ts --runtime PATH [--json FILE] [--jobs N] [--quick] [NAME…]`, where
 * NAME is a property's folder; --quick takes the first two claims of each property. Prints a line for each property and each claim that failed; ends with 1 when one did that is not known.
 * It runs in a mount namespace of its own, so that mounts which claims make on the "host" are nobody else's.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { needsBusybox, placeBusybox } from './suite/rootfs.ts';
import { knownDeviation, runtimeName } from './suite/known-deviations.ts';
import type { PropertyResult, SuiteResult } from './suite/property.ts';
import { runSuite } from './suite/run-suite.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runtime: { type: 'string' }, json: { type: 'string' }, jobs: { type: 'string' }, lines: { type: 'boolean' }, quick: { type: 'boolean' } },
});
if (!values.runtime) {
  console.error('usage: node test/conformance/run.ts --runtime PATH [--json FILE] [--jobs N] [--lines] [--quick] [NAME…]');
  process.exit(2);
}

const ownNamespace = 'HAKO_CONFORMANCE_NAMESPACE';
if (process.env[ownNamespace] === undefined) {
  // Shared among itself, as an init system makes it: the events of mounts are what some claims look at.
  const enter = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', 'mount --make-rshared / && exec "$@"', 'sh'];
  const [program, ...args] = [...enter, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync(program!, args, { stdio: 'inherit', env: { ...process.env, [ownNamespace]: 'own' } });
  process.exit(status ?? 1);
}

const reason = process.getuid?.() === 0 ? needsBusybox() : 'the suite needs root';
if (reason) {
  console.error(reason);
  process.exit(2);
}

const runtime = values.runtime.includes('/') ? resolve(values.runtime) : values.runtime;
const version = execFileSync(runtime, ['--version'], { encoding: 'utf8' }).split('\n')[0]!.trim();
const name = runtimeName(version);
const place = mkdtempSync(join(tmpdir(), 'hako-conformance-'));
chmodSync(place, 0o711);
let unexpected = 0;
try {
  placeBusybox(place);
  const properties = await runSuite({
    runtime,
    place,
    names: positionals,
    jobs: Number(values.jobs ?? availableParallelism()),
    quick: values.quick ?? false,
    done: tell,
  });
  const result: SuiteResult = { runtime: version, properties };
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, undefined, 2)}\n`);
  const claims = properties.flatMap((property) => property.claims);
  const count = (what: string): number => claims.filter((claim) => claim.result === what).length;
  if (!values.lines) console.log(`${version}: ${count('passed')} passed, ${count('failed')} failed, ${count('not applicable')} not applicable`);
} finally {
  rmSync(place, { recursive: true, force: true });
}
process.exit(unexpected > 0 ? 1 : 0);

/** Says what became of a property, as soon as it is known: as text, or, for another program, as one line of JSON. */
function tell(property: PropertyResult): void {
  const failed = property.claims.filter((claim) => claim.result === 'failed');
  unexpected += failed.filter((claim) => knownDeviation(name, property.name, claim.name) === undefined).length;
  if (values.lines) {
    console.log(JSON.stringify(property));
    return;
  }
  const passed = property.claims.filter((claim) => claim.result === 'passed').length;
  const skipped = property.claims.length - passed - failed.length;
  console.log(
    `${failed.length > 0 ? 'FAILED' : 'ok    '} ${property.name}: ${passed}/${passed + failed.length}${skipped > 0 ? `, ${skipped} not applicable` : ''}`,
  );
  for (const claim of failed) {
    const known = knownDeviation(name, property.name, claim.name);
    console.log(`    ${claim.name} (${claim.spec})${known === undefined ? '' : ` [known: ${known}]`}\n        ${claim.detail!.replaceAll('\n', '\n        ')}`);
  }
}
