import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ContainerBench, outcome } from '../../test/support/container.ts';
import { findMonitors, recoverProcess, type ProcessRecord } from './process.ts';
import type { StartPlan } from './start.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to make namespaces';

/** Another engine: it starts the container, says so, and lives until it is killed. */
const otherEngine = `
import { apply } from ${JSON.stringify(join(import.meta.dirname, '../step/apply.ts'))};
import { perform } from ${JSON.stringify(join(import.meta.dirname, '../kernel/perform.ts'))};
import { start } from ${JSON.stringify(join(import.meta.dirname, 'start.ts'))};
const started = await apply(start(JSON.parse(process.argv[1])), { kernel: { call: perform } });
console.log(JSON.stringify(started.process.record));
setInterval(() => {}, 1000);
`;

describe('a process whose engine is killed', { skip: unable }, () => {
  let bench: ContainerBench;
  before(async () => (bench = await new ContainerBench().prepare()));
  after(() => bench[Symbol.asyncDispose]());

  /** Starts a container by an engine that is killed at once. */
  async function orphan(plan: StartPlan): Promise<ProcessRecord> {
    const engine = spawn(process.execPath, ['--input-type=module', '-e', otherEngine, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(engine.stdout, 'data')) as [Buffer];
    engine.kill('SIGKILL');
    await once(engine, 'exit');
    return JSON.parse(line.toString()) as ProcessRecord;
  }

  test('goes on, and is taken up by the next with its output so far and its end', async () => {
    const plan = bench.plan({ command: ['sh', '-c', 'echo before; while [ ! -e /go ]; do sleep 0.01; done; echo after; exit 5'] });
    const record = await orphan(plan);
    assert.deepEqual(findMonitors(plan.owner, [record.monitor.pid, process.pid]), [{ pid: record.monitor.pid, name: plan.id }]);
    assert.equal(recoverProcess({ ...record, monitor: { ...record.monitor, startTime: '1' } }), undefined, 'a process of the same number is not taken for it');
    const taken = recoverProcess(record);
    assert.ok(taken);
    assert.equal(readFileSync(`/proc/${taken.pid}/comm`, 'utf8'), 'sh\n');
    const ended = outcome(taken);
    writeFileSync(`/proc/${taken.pid}/root/go`, '');
    assert.deepEqual(await ended, { code: 5, stdout: 'before\nafter\n', stderr: '' });
    taken.release();
    await bench.forget(plan);
  });

  test('leaves its output and its status where the next finds them, if it ends before that', async () => {
    // Its standard input closes with the engine.
    const plan = bench.plan({ command: ['sh', '-c', 'cat; echo last words; kill -TERM $$'], config: { OpenStdin: true }, hostConfig: { PidMode: 'host' } });
    const record = await orphan(plan);
    const taken = recoverProcess(record);
    assert.ok(taken);
    assert.deepEqual(await outcome(taken), { code: 143, signal: 15, stdout: 'last words\n', stderr: '' });
    taken.release();
    await bench.forget(plan);
  });

  test('is watched by some kilobytes that hold no Node, no file of the engine’s, and run no file that could be written', async () => {
    const started = await bench.start(bench.plan({ command: ['sleep', '100'] }));
    const monitor = `/proc/${started.process.record.monitor.pid}`;
    assert.match(readlinkSync(`${monitor}/exe`), /^\/memfd:hako-monitor/);
    const mapped = readFileSync(`${monitor}/maps`, 'utf8');
    assert.doesNotMatch(mapped, /node|koffi|\.so/);
    const pss = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`${monitor}/smaps_rollup`, 'utf8'))![1]);
    assert.ok(pss < 64, `${pss} kB`);
    // Sealed, and read-only besides: ETXTBSY or EPERM, never a descriptor.
    assert.throws(() => openSync(`${monitor}/exe`, 'r+'), /ETXTBSY|EPERM|EACCES/);
    await bench.remove(started);
  });
});
