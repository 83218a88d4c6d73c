/** Runs the conformance suite against ./hako-oci, runc and crun, one after the other, and writes docs/conformance.md. See conformance.sh. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SuiteResult } from '../test/conformance/suite/property.ts';
import { failuresOf, makeReport } from '../test/conformance/suite/report.ts';
import { hierarchies, isUnified } from '../test/conformance/suite/cgroups.ts';
import { findProgram } from '../test/support/needs.ts';

const root = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'hako-conformance-results-'));
const unified = '/sys/fs/cgroup/unified';
const isHybrid = existsSync(join(unified, 'cgroup.procs'));

/** Runs the suite. @param wrapper a command line that the suite's is put behind */
function run(name: string, path: string, wrapper: readonly string[] = []): SuiteResult {
  console.log(`== ${name}`);
  const json = join(directory, `${name}.json`);
  const [program, ...args] = [...wrapper, process.execPath, join(root, 'test/conformance/run.ts'), '--runtime', path, '--json', json];
  spawnSync(program, args, { stdio: 'inherit' });
  if (!existsSync(json)) throw new Error(`the suite did not end with ${name}`);
  return JSON.parse(readFileSync(json, 'utf8')) as SuiteResult;
}

try {
  const ours = run('hako-oci', join(root, 'hako-oci'));
  const [runc, crun] = [findProgram('runc'), findProgram('crun')];
  const peers = [
    ...(runc === undefined ? [] : [run('runc', runc)]),
    // crun refuses a machine that has both versions of cgroups: it is shown one that has version 1 alone.
    ...(crun === undefined ? [] : [run('crun', crun, isHybrid ? ['unshare', '--mount', 'sh', '-c', `umount ${unified}; exec "$@"`, 'sh'] : [])]),
  ];
  const cgroups = isUnified() ? 'of version 2' : isHybrid ? 'of both versions (hybrid)' : `of version 1 (${hierarchies().length} hierarchies)`;
  const occasion = { date: new Date().toISOString().slice(0, 10), kernel: release(), cgroups };
  writeFileSync(join(root, 'docs/conformance.md'), makeReport([ours, ...peers], occasion));

  const wrong = [...failuresOf(ours), ...peers.filter(({ runtime }) => runtime.startsWith('runc ')).flatMap(failuresOf)].filter(
    ({ known }) => known === undefined,
  );
  for (const { property, claim } of wrong) console.log(`UNEXPECTED ${property}/${claim.name}`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
