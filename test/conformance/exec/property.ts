/** One more process in a container. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Bench } from '../suite/bench.ts';
import { defaultNamespaces, userMapping } from '../suite/config.ts';
import type { Container } from '../suite/container.ts';
import { namespaceOf } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

async function running(bench: Bench, more: object = {}): Promise<Container> {
  return bench.start({ script: 'exec sleep 1000', ...more });
}

export default {
  'gives its output and its exit status': {
    spec,
    must: 'The process has the caller’s standard streams, and exec ends with its status.',
    check: async (bench) => {
      const container = await running(bench);
      const { code, stdout, stderr } = await container.exec([], ['sh', '-c', 'echo out; echo err >&2; exit 5']);
      assert.deepEqual({ code, stdout, stderr }, { code: 5, stdout: 'out\n', stderr: 'err\n' });
      assert.equal((await container.exec([], ['sh', '-c', 'kill -KILL $$'])).code, 137);
    },
  },
  'is in the container’s namespaces': {
    spec,
    must: 'The process is in each namespace that the container has.',
    check: async (bench) => {
      const linux = { uidMappings: userMapping, gidMappings: userMapping };
      for (const container of [await running(bench), await running(bench, { namespaces: [...defaultNamespaces, 'user', 'cgroup'], linux })]) {
        const types = ['mnt', 'net', 'ipc', 'uts', 'pid', 'user', 'cgroup'];
        const { stdout } = await container.exec([], ['sh', '-c', `for type in ${types.join(' ')}; do readlink /proc/self/ns/$type; done`]);
        assert.deepEqual(
          stdout.trim().split('\n'),
          types.map((type) => namespaceOf(container.pid, type)),
        );
      }
    },
  },
  'is in the container’s cgroup': {
    spec,
    must: 'The process counts to the container’s limits.',
    check: async (bench) => {
      const container = await running(bench);
      const { stdout } = await container.exec([], ['cat', '/proc/self/cgroup']);
      const memory = (text: string): string | undefined => text.split('\n').find((line) => /:memory:|^0::/.test(line));
      assert.equal(memory(stdout), memory(readFileSync(`/proc/${container.pid}/cgroup`, 'utf8')));
    },
  },
  'has the container’s environment and directory, and what is added': {
    spec,
    must: 'Environment, working directory and user are those of config.json, changed by --env, --cwd and --user.',
    check: async (bench) => {
      const container = await running(bench, { process: { cwd: '/home', env: ['PATH=/bin', 'FROM=config'], user: { uid: 1000, gid: 1000 } } });
      const script = 'pwd; echo $FROM $ADDED; id -u; id -g';
      assert.equal((await container.exec([], ['sh', '-c', script])).stdout, '/home\nconfig\n1000\n1000\n');
      const flags = ['--cwd', '/var', '--env', 'ADDED=by flag', '--user', '7:8'];
      assert.equal((await container.exec(flags, ['sh', '-c', script])).stdout, '/var\nconfig by flag\n7\n8\n');
    },
  },
  'returns at once with --detach': {
    spec,
    must: 'exec --detach returns when the process has been started.',
    check: async (bench) => {
      const container = await running(bench);
      const call = bench.runtime.begin(['exec', '--detach', container.id, 'sh', '-c', 'echo up; exec sleep 999']);
      assert.equal(await call.exited, 0, call.stderr);
      await call.said(/up/);
    },
  },
  'fails for a program that is not there': {
    spec,
    must: 'A program that cannot be executed is an error that says so.',
    check: async (bench) => {
      const container = await running(bench);
      const missing = await container.exec([], ['no-such-program']);
      assert.notEqual(missing.code, 0);
      assert.match(missing.stderr, /executable file .*not found in \$PATH/);
      const forbidden = await container.exec([], ['/etc/passwd']);
      assert.notEqual(forbidden.code, 0);
      assert.match(forbidden.stderr, /permission denied/i);
      assert.equal((await container.state()).status, 'running');
    },
  },
  'is an error for a container that does not run': {
    spec,
    must: 'There is no exec in a stopped container, nor in none.',
    check: async (bench) => {
      const container = await bench.start({ script: 'true' });
      await container.ended();
      assert.notEqual((await container.exec([], ['true'])).code, 0);
      assert.notEqual((await bench.runtime.call(['exec', 'nobody', 'true'])).code, 0);
    },
  },
  'leaves the container as it is': {
    spec,
    must: 'When the process has ended the container runs on.',
    check: async (bench) => {
      const container = await running(bench);
      await Promise.all(Array.from({ length: 3 }, () => container.exec([], ['true'])));
      const { status, pid } = await container.state();
      assert.deepEqual({ status, pid }, { status: 'running', pid: container.pid });
    },
  },
} satisfies Property;
