/** The command run: create, start, wait, delete in one. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasEnded, procStat, until } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

export default {
  'ends with the program’s exit status': {
    spec,
    must: 'The exit status is that of the program; 128 and the number of the signal that ended it.',
    check: async (bench) => {
      assert.equal((await bench.run({ script: 'exit 0' })).code, 0);
      assert.equal((await bench.run({ script: 'exit 42' })).code, 42);
      assert.equal((await bench.run({ script: 'kill -ABRT $$', namespaces: ['mount', 'ipc', 'uts', 'network'] })).code, 128 + 6);
    },
  },
  'keeps standard output and standard error apart': {
    spec,
    must: 'The program has the caller’s descriptors.',
    check: async (bench) => {
      const { stdout, stderr } = await bench.run({ script: 'echo out; echo err >&2' });
      assert.deepEqual({ stdout, stderr }, { stdout: 'out\n', stderr: 'err\n' });
    },
  },
  'deletes the container': {
    spec,
    must: 'When the program has ended the container is gone.',
    check: async (bench) => {
      const bundle = bench.bundle();
      await bench.report(bundle);
      await bench.absent(bundle);
    },
  },
  'keeps it with --keep': {
    spec,
    must: 'With --keep the container stays, stopped, until it is deleted.',
    check: async (bench) => {
      const { id, directory } = bench.bundle({ script: 'exit 3' });
      assert.equal((await bench.runtime.call(['run', '--keep', '--bundle', directory, id])).code, 3);
      const { stdout } = await bench.runtime.call(['state', id]);
      assert.equal((JSON.parse(stdout) as { status: string }).status, 'stopped');
    },
  },
  'returns at once with --detach': {
    spec,
    must: 'With --detach it returns when the program has been started, and nothing of the runtime stays.',
    check: async (bench) => {
      const { id, directory } = bench.bundle({ script: 'echo up; exec sleep 1000' });
      const pidFile = join(directory, 'pid');
      const call = bench.runtime.begin(['run', '--detach', '--pid-file', pidFile, '--bundle', directory, id]);
      assert.equal(await call.exited, 0, call.stderr);
      await call.said(/up/);
      const pid = Number(readFileSync(pidFile, 'utf8'));
      const { stdout } = await bench.runtime.call(['state', id]);
      const state = JSON.parse(stdout) as { status: string; pid: number };
      assert.deepEqual([state.status, state.pid], ['running', pid]);
      assert.notEqual(Number(procStat(pid, 4)), call.child.pid, 'the parent is still the runtime');
    },
  },
  'passes signals on': {
    spec,
    must: 'In the foreground, signals to the runtime are the program’s.',
    check: async (bench) => {
      const { id, directory } = bench.bundle({ script: 'trap "echo told; exit 7" TERM; echo up; while true; do sleep 1000 & wait; done' });
      const call = bench.runtime.begin(['run', '--bundle', directory, id]);
      await call.said(/up/);
      call.child.kill('SIGTERM');
      assert.equal(await call.exited, 7);
      assert.equal(call.stdout, 'up\ntold\n');
    },
  },
  'ends processes that the program left': {
    spec: 'runtime.md#runtimeLifecycle',
    must: 'When the program of a container without a pid namespace of its own has ended, no process of it stays.',
    check: async (bench) => {
      const script = 'sleep 1000 >/dev/null 2>&1 & echo $!';
      const pid = Number(await bench.report({ script, namespaces: ['mount', 'ipc', 'uts', 'network'] }));
      await until('the process that was left has ended', () => hasEnded(pid, ''));
    },
  },
} satisfies Property;
