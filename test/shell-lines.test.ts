/**
 * The shell lines of the steps against the kernel: in their order they are a script, which starts a container that a probe cannot
 * tell from the one that the steps' own calls start. What a shell does differently is listed in docs/decisions/shell-lines.md.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { after, before, describe } from 'node:test';
import type { MountPoint } from '../src/api/schema.ts';
import { timeAnnotations } from '../src/engine/spec/time-offsets.ts';
import { cgroupTree } from '../src/kernel/cgroupfs.ts';
import { directoryIn } from '../src/runtime/cgroup/cgroup.ts';
import { scriptOf } from '../src/runtime/script/script.ts';
import { variable } from '../src/runtime/script/prologue.ts';
import { start, type StartPlan } from '../src/runtime/start.ts';
import { walk, type Step } from '../src/step/step.ts';
import { ContainerBench, type Asked } from './support/container.ts';
import { outcome, type Outcome } from './support/engine.ts';
import { normalise, probe } from './support/probe.ts';

/** What the script needs beside the plan: nothing. Its own files are in a directory that is gone when it ends. */
const script = (plan: StartPlan): string => scriptOf(plan, { head: [], parameters: [variable('STATE', '', 'Its own files')] });

let bench: ContainerBench;
before(async () => {
  bench = await new ContainerBench().prepare();
  // The root of a user namespace comes through here to the script's own files.
  chmodSync(bench.directory, 0o711);
});
after(() => bench[Symbol.asyncDispose]());

/** Its own files are in a directory of the test's. */
const options = () => ({ stdio: 'pipe' as const, env: { ...process.env, TMPDIR: bench.directory } });

/** Runs the script of a plan. */
function runScript(plan: StartPlan, input = ''): Promise<Outcome> {
  const path = join(bench.directory, `${plan.id}.sh`);
  writeFileSync(path, script(plan));
  return outcome(spawn('sh', [path], options()), input);
}

const volume = (): MountPoint => {
  const Source = join(bench.directory, 'data');
  mkdirSync(Source, { recursive: true });
  return { Type: 'volume', Name: 'data', Source, Destination: '/data', Mode: '', RW: true, Propagation: '' };
};

const cases: Readonly<Record<string, () => Omit<Asked, 'command'>>> = {
  plain: () => ({}),
  limits: () => ({ hostConfig: { Memory: 64 << 20, NanoCpus: 500_000_000, PidsLimit: 50, CpuShares: 512, BlkioWeight: 300, OomScoreAdj: 300 } }),
  'read-only, with a tmpfs, a volume, a user, a sysctl and limits of the process': () => ({
    config: { User: '65534:65534', WorkingDir: '/tmp' },
    hostConfig: {
      ReadonlyRootfs: true,
      Tmpfs: { '/run': 'size=1m,mode=1777' },
      Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0', 'kernel.msgmax': '16384' },
      Ulimits: [
        { Name: 'nofile', Soft: 1024, Hard: 2048 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
    },
    mounts: [volume()],
  }),
  'other capabilities': () => ({ hostConfig: { CapDrop: ['ALL'], CapAdd: ['NET_ADMIN', 'SYS_PTRACE', 'CHOWN'] } }),
  'no new privileges': () => ({ config: { User: '1000:1000' }, hostConfig: { SecurityOpt: ['no-new-privileges'] } }),
  privileged: () => ({ hostConfig: { Privileged: true } }),
  'namespaces of the host': () => ({ hostConfig: { IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' } }),
  'a user namespace, with a volume and a limit': () => ({ hostConfig: { UsernsMode: 'private', Memory: 64 << 20 }, mounts: [volume()] }),
  'a read-only bind mount and a device': () => ({
    hostConfig: { Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/some/where', CgroupPermissions: 'rw' }] },
    mounts: [{ Type: 'bind', Source: '/usr/share/doc', Destination: '/srv/a b', Mode: '', RW: false, Propagation: 'rprivate' }],
  }),
};

describe('a container of the shell lines is the one of the calls', () => {
  for (const [name, asked] of Object.entries(cases))
    test(name, async () => {
      const user = /^(\d+):(\d+)$/.exec(asked().config?.User ?? '');
      const plans = [0, 1].map(() => {
        const plan = bench.plan({ ...asked(), command: ['sh', '-c', probe] });
        if (!user) return plan;
        return { ...plan, spec: { ...plan.spec, process: { ...plan.spec.process, user: { uid: Number(user[1]), gid: Number(user[2]), additionalGids: [] } } } };
      });
      const [first, second] = plans as [StartPlan, StartPlan];
      const byShell = await runScript(second);
      assert.equal(byShell.code, 0, byShell.stderr);
      assert.equal(byShell.stderr, '');
      const byCalls = await bench.runPlan(first);
      const named = ({ id }: StartPlan, text: string): string =>
        normalise(text, [
          [join(bench.directory, id), '/OWN'],
          [bench.directory, '/DIR'],
          [id, 'ID'],
        ]).replace(/lowerdir=\/DIR\/hako-script\.\w+\/tmp\/layers\/\d+/, 'lowerdir=/'); // mapped layers, given by descriptor
      assert.match(byCalls.stdout, /== refused\n[^]*end\n$/);
      assert.equal(named(second, byShell.stdout), named(first, byCalls.stdout));
    });
});

const flat = (steps: readonly Step<unknown>[]): Step<unknown>[] => steps.flatMap((step) => [step, ...flat(step.inside ?? [])]);

describe('every shell line', () => {
  test('is one, as sh -n reads it', () => {
    const more: Record<string, () => Omit<Asked, 'command'>> = {
      ...cases,
      terminal: () => ({ config: { Tty: true } }),
      'a user namespace': () => ({ hostConfig: { UsernsMode: 'private' } }),
      'a time namespace, and an init': () => ({ hostConfig: { Init: true, Annotations: { [timeAnnotations.boottime]: '100' } } }),
      'standard input': () => ({ config: { OpenStdin: true } }),
    };
    const lines = new Set<string>();
    for (const asked of Object.values(more))
      for (const { id, shell } of flat([...walk(start(bench.plan({ ...asked(), command: ['true'] })))])) lines.add(`# ${id}\n${shell}`);
    assert.ok(lines.size > 60, `${lines.size} lines`);
    for (const line of lines) {
      const { status, stderr } = spawnSync('sh', ['-n'], { input: line, encoding: 'utf8' });
      assert.equal(status, 0, `${line}: ${stderr}`);
    }
  });

  test('says what an image or a user says as words, whatever is in it', async () => {
    const hostile = [`'`, `"`, '$(touch /tmp/pwned)', '`id`', '\\', '\n', '\nBECOMING\n', ' ; exit 1;', '*', '\u00fc', '# ', '!'].map((text) => `a${text}b`);
    const all = hostile.join('');
    const plan = bench.plan({
      command: ['sh', '-c', 'printf "%s\\0" "$@" && cat /proc/1/environ && cat /proc/sys/kernel/hostname && pwd', 'x', ...hostile, all],
      config: { Env: ['PATH=/usr/bin:/bin', `A=${all}`, 'odd.name=1', '-x=2'], WorkingDir: "/tmp/$(id) 'x\ny" },
      hostConfig: { Annotations: { label: all }, Tmpfs: { '/mnt/a b;$(id)': '' } },
    });
    const { code, stdout, stderr } = await runScript({ ...plan, spec: { ...plan.spec, hostname: `$(id)'` } });
    assert.equal(code, 0, stderr);
    const said = stdout.split('\0');
    assert.deepEqual(said.slice(0, hostile.length + 1), [...hostile, all]);
    for (const variable of [`A=${all}`, 'odd.name=1', '-x=2']) assert.ok(said.includes(variable), variable);
    assert.equal(said.at(-1), `$(id)'\n/tmp/$(id) 'x\ny\n`);
  });
});

test('what shows a step’s result says what an image or a user says as words', async () => {
  const directory = join(bench.directory, 'look');
  const hostile = `/x';pwned;'"$(pwned)\\\npwned\n`;
  mkdirSync(directory);
  writeFileSync(join(directory, 'pwned'), '#!/bin/sh\n: >"$0".ran\n', { mode: 0o755 });
  const asked: readonly Omit<Asked, 'command'>[] = [
    { config: { Volumes: { [hostile]: {} }, WorkingDir: hostile }, hostConfig: { Tmpfs: { [hostile]: '' } } },
    {
      hostConfig: { UsernsMode: 'private', Devices: [{ PathOnHost: '/dev/null', PathInContainer: `/dev${hostile}`, CgroupPermissions: 'rw' }] },
      mounts: [{ Type: 'bind', Source: hostile, Destination: hostile, Mode: '', RW: false, Propagation: 'rprivate' }],
    },
  ];
  const looks = asked.flatMap((of) => flat([...walk(start(bench.plan({ ...of, command: [hostile] })))]).map(({ look }) => look));
  assert.ok(looks.some((look) => look.includes("'/x'")));
  // Of all programs that the lines name, only the one is there.
  const { stderr } = await outcome(spawn('/bin/sh', ['-c', looks.join('\n')], { stdio: 'pipe', env: { PATH: directory } }));
  assert.doesNotMatch(stderr, /syntax error/i);
  assert.deepEqual(readdirSync(directory), ['pwned']);
});

describe('the script', () => {
  const left = (): string[] => [
    ...readdirSync(bench.directory).filter((name) => name.startsWith('hako-script')),
    ...bench.layout.hierarchies.flatMap((hierarchy) => cgroupTree(directoryIn(hierarchy, bench.cgroup)).slice(1)),
  ];
  test('passes input, output and the exit status on, and leaves nothing', async () => {
    const plan = bench.plan({ command: ['sh', '-c', 'cat; echo error >&2; exit 7'], config: { OpenStdin: true } });
    assert.deepEqual(await runScript(plan, 'what comes in\n'), { code: 7, signal: null, stdout: 'what comes in\n', stderr: 'error\n' });
    assert.deepEqual(left(), []);
  });

  test('tells of a program that is not there, as the engine does: 127', async () => {
    const { code, stderr } = await runScript(bench.plan({ command: ['no-such-program'] }));
    assert.equal(code, 127);
    assert.match(stderr, /no-such-program/);
  });

  test('ended by a signal, takes everything back', async () => {
    const plan = bench.plan({ command: ['sh', '-c', 'echo begun; exec sleep 1000'] });
    const path = join(bench.directory, 'ended.sh');
    writeFileSync(path, script(plan));
    const child = spawn('sh', [path], options());
    await once(child.stdout, 'data');
    child.kill('SIGTERM');
    assert.equal((await outcome(child)).code, 143);
    assert.deepEqual(left(), []);
  });
});
