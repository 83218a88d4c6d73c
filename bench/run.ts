/**
 * The benchmark: what hakobune costs beside what other tools cost, on this machine, in one run. Prints Markdown.
 *
 *   npm run bench [-- --rounds 30] [-- --only start,exec,throughput,memory,import,logs,oci]
 *
 * Numbers of different machines or runs are not comparable; the ratios in one run are.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

process.env.HAKO_TEST_ENTRY = 'dist'; // what users run
const { startEngine } = await import('../test/support/engine.ts');
const { commandLine, execTrue, exportRootfs, idle, startToExit } = await import('./hakobune.ts');
const { measureImport } = await import('./import.ts');
const { measureLogs } = await import('./logs.ts');
const { measureMemory } = await import('./memory.ts');
const { measureOci } = await import('./oci.ts');
const { peers } = await import('./peers.ts');
const { measure, printRates, printTable, ratePerSecond } = await import('./rounds.ts');

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '30' }, only: { type: 'string', default: 'start,exec,throughput,memory,import,logs,oci' } },
});
const rounds = Number(values.rounds);
const wanted = new Set(values.only.split(','));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a positive number, not ${values.rounds}`);

console.log(`${cpus()[0]?.model.trim()}, ${cpus().length} processors, Linux ${release()}, load ${loadavg()[0]?.toFixed(2)}; ${rounds} rounds`);
const work = await mkdtemp(join(tmpdir(), 'hako-bench-'));
const engine = await startEngine();
try {
  await engine.must('run', '--rm', 'base', 'true'); // makes the base image
  const rootfs = join(work, 'rootfs');
  await exportRootfs(engine, rootfs);
  if (wanted.has('oci')) measureOci(rootfs, work, rounds);
  if (['start', 'exec', 'throughput'].some((part) => wanted.has(part))) {
    const others = await peers(rootfs, work);
    try {
      await measureCalls(others);
    } finally {
      await others.close();
    }
  }
  if (wanted.has('memory')) await measureMemory(100);
  if (wanted.has('import')) await measureImport(engine, work, Math.ceil(rounds / 10));
  if (wanted.has('logs')) await measureLogs(engine, work, Math.ceil(rounds / 10));
} finally {
  await engine.close();
  await rm(work, { recursive: true, force: true });
}
console.log(`\nload ${loadavg()[0]?.toFixed(2)} at the end`);

/** Starts, execs and throughput, ours among the others'. */
async function measureCalls(others: Awaited<ReturnType<typeof peers>>): Promise<void> {
  const ours = [startToExit(engine, 'none'), startToExit(engine, 'bridge'), commandLine(engine)];
  if (wanted.has('start')) printTable('Start to exit of `true`', await measure([...ours, ...others.starts], rounds), 'hako');
  if (wanted.has('exec')) {
    const container = await idle(engine);
    printTable('exec `true` in a running container', await measure([execTrue(engine, container), ...others.execs], rounds), 'hako');
    await engine.api.ask('DELETE', `/containers/${container}?force=1`);
  }
  if (!wanted.has('throughput')) return;
  for (const atATime of [1, 8]) {
    const rates: (readonly [string, number])[] = [];
    for (const contender of [ours[0]!, ...others.starts.filter(({ name }) => name !== 'podman')]) {
      rates.push([contender.name, await ratePerSecond(contender, rounds * 4, atATime)]);
    }
    printRates(`Throughput, ${atATime} at a time`, 'containers/s', rates, 'hako');
  }
}
