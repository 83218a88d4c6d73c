/**
 * checkpoint and restore: by a program in the place of criu(8) that notes what it is told, and by criu itself where it works on this
 * kernel (HAKO_TEST_CRIU names another one than that in PATH; Debian 12's knows no kernel as of Linux 6.16).
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { readMountinfo } from '../../src/kernel/mountinfo.ts';
import { firstConfig } from '../../src/oci/first-config.ts';
import type { Spec } from '../../src/runtime/spec.ts';
import { identify, OciRuntime } from '../support/oci-runtime.ts';

const criu = process.env['HAKO_TEST_CRIU'] ?? 'criu';
const skip = process.getuid!() !== 0 && 'needs root';
const withoutCriu = skip || (spawnSync(criu, ['check']).status !== 0 && 'there is no criu(8) here that knows this kernel');

/** A bundle whose programs are the host's, with a read-only file from outside. */
function makeBundle(runtime: OciRuntime, name: string, script: string, cgroup: string, hook?: string): string {
  const bundle = join(runtime.base, name);
  for (const path of ['usr', 'proc', 'dev', 'sys', 'tmp']) mkdirSync(join(bundle, 'rootfs', path), { recursive: true });
  for (const path of ['bin', 'lib', 'lib64']) symlinkSync(`usr/${path}`, join(bundle, 'rootfs', path));
  writeFileSync(join(runtime.base, 'outside'), 'from outside\n');
  const { linux, mounts, ...rest } = firstConfig(false) as Spec;
  writeFileSync(
    join(bundle, 'config.json'),
    JSON.stringify({
      ...rest,
      root: { path: 'rootfs' },
      process: { ...rest.process, terminal: false, args: ['sh', '-c', script] },
      mounts: [
        ...mounts,
        { destination: '/usr', type: 'bind', source: '/usr', options: ['rbind', 'ro'] },
        { destination: '/etc/data', type: 'bind', source: join(runtime.base, 'outside'), options: ['bind', 'ro', 'nosuid'] },
      ],
      linux: { ...linux, cgroupsPath: cgroup },
      ...(hook && { hooks: { createRuntime: [{ path: '/bin/sh', args: ['sh', '-c', hook] }] } }),
    }),
  );
  return bundle;
}

/** Runs a command that starts a container. Its streams are pipes, as most callers' are: those of Node's children are sockets. */
function run(runtime: OciRuntime, ...words: string[]): { readonly said: (text: string) => Promise<void>; readonly ended: Promise<string> } {
  const child = spawn('sh', ['-c', '{ "$@" </dev/null; echo "status $?"; } 2>&1 | cat', 'sh', process.execPath, ...runtime.words, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += String(chunk)));
  return {
    async said(text) {
      while (!output.includes(text)) await once(child.stdout, 'data');
    },
    ended: once(child, 'close').then(() => output),
  };
}

describe('with a program in place of criu', { skip }, () => {
  test('criu is told what the container has from outside, and given it again', async () => {
    await using runtime = new OciRuntime();
    const cgroup = runtime.ownCgroup();
    const bundle = makeBundle(runtime, 'bundle', 'echo ready; exec sleep 1000', `${cgroup}/one`);
    const fake = join(runtime.base, 'criu');
    const told = join(runtime.base, 'told');
    // A restore shows what is staged, and gives a process that it did not make.
    writeFileSync(
      fake,
      `#!/bin/sh
printf '%s\\n' "$@" >${told}
for word; do case $word in
  'mnt[/etc/data]:'*) stage=\${word#*:}; cat "$stage" >${told}.data; grep " $stage " /proc/self/mountinfo >${told}.mount ;;
  */criu/pid) sleep 1000 & echo $! >"$word" ;;
  */criu/at-namespaces) CRTOOLS_SCRIPT_ACTION=setup-namespaces CRTOOLS_INIT_PID=$! "$word" && echo went on >>${told}.hook ;;
esac done
exit 0
`,
      { mode: 0o755 },
    );
    const child = run(runtime, 'run', '--bundle', bundle, 'one');
    await child.said('ready');
    const { pid } = JSON.parse(runtime.must('state', 'one')) as { pid: number };
    const image = join(runtime.base, 'image');
    runtime.must('--criu', fake, 'checkpoint', '--image-path', image, '--leave-running', '--tcp-established', '--file-locks', 'one');
    const words = readFileSync(told, 'utf8').split('\n');
    const after = (flag: string): string[] => words.flatMap((word, i) => (word === flag ? [words[i + 1]!] : []));
    assert.equal(words[0], 'dump');
    assert.deepEqual([after('--tree'), after('--images-dir'), after('--root')], [[String(pid)], [image], [join(bundle, 'rootfs')]]);
    for (const flag of ['--leave-running', '--tcp-established', '--file-locks', '--manage-cgroups=soft']) assert.ok(words.includes(flag), flag);
    const externals = after('--external');
    const expected = ['mnt[/usr]:/usr', 'mnt[/etc/data]:/etc/data', 'mnt[/proc/keys]:/proc/keys'];
    for (const external of expected) assert.ok(externals.includes(external), `${external} in ${externals.join(' ')}`);
    assert.ok(!externals.some((name) => name.includes('/proc/bus')), 'a part of the container’s own procfs is none from outside');
    const streams = (JSON.parse(readFileSync(join(image, 'descriptors.json'), 'utf8')) as string[]).slice(1);
    const pipes = [1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    assert.match(pipes[0]!, /^pipe:/);
    assert.deepEqual(streams, pipes);

    const other = makeBundle(runtime, 'other', 'true', `${cgroup}/two`, `cat >${told}.hook; echo >>${told}.hook`);
    const restore = ['--criu', fake, 'restore', '--image-path', image, '--bundle', other, '--detach', '--pid-file', join(runtime.base, 'pid'), 'two'];
    // The process has our streams: pipes would stay open.
    assert.equal(spawnSync(process.execPath, [...runtime.words, ...restore], { stdio: 'ignore' }).status, 0);
    const restored = Number(readFileSync(join(runtime.base, 'pid'), 'utf8'));
    const identity = identify(restored);
    assert.deepEqual(runtime.store.read('two').process, identity);
    assert.equal(readFileSync(`${told}.data`, 'utf8'), 'from outside\n');
    assert.match(readFileSync(`${told}.mount`, 'utf8'), / ro,nosuid,/);
    const [state, then] = readFileSync(`${told}.hook`, 'utf8').split('\n');
    assert.deepEqual([(JSON.parse(state!) as { pid: number }).pid, then], [restored, 'went on'], 'the hook has run, with the process, before criu went on');
    assert.ok(statSync(join(other, 'rootfs/etc/data')).isFile(), 'the mount point that was missing');
    process.kill(restored, 'SIGKILL');
    await runtime.ended(identity);
    for (const id of ['two', 'one']) runtime.must('delete', '--force', id);
    await child.ended;
  });

  test('a failure is told by what criu has logged of it, and leaves the container as it was', async () => {
    await using runtime = new OciRuntime();
    const bundle = makeBundle(runtime, 'bundle', 'echo ready; exec sleep 1000', `${runtime.ownCgroup()}/one`);
    const fake = join(runtime.base, 'criu');
    writeFileSync(fake, `#!/bin/sh\nwhile [ "$1" != --work-dir ]; do shift; done\necho '(00.1) Error (criu/x.c:1): it is too hot' >"$2/dump.log"\nexit 1\n`, {
      mode: 0o755,
    });
    const child = run(runtime, 'run', '--bundle', bundle, 'one');
    await child.said('ready');
    const image = join(runtime.base, 'image');
    const fails = (program: string, message: RegExp, ...words: string[]): void => assert.match(runtime.run('--criu', program, ...words).stderr, message);
    fails(fake, /criu dump failed \(exit status 1\): it is too hot; all of it is in .*image\/dump\.log/, 'checkpoint', '--image-path', image, 'one');
    fails(join(runtime.base, 'none'), /is not installed: executable file not found in \$PATH/, 'checkpoint', '--image-path', image, 'one');
    fails(fake, /invalid value "hard" of --manage-cgroups-mode/, 'checkpoint', '--image-path', image, '--manage-cgroups-mode', 'hard', 'one');
    fails(fake, /is no checkpoint of hako-oci's/, 'restore', '--image-path', image, '--bundle', bundle, 'two');
    fails(fake, /cannot be used: no such file or directory/, 'restore', '--image-path', join(runtime.base, 'no'), '--bundle', bundle, 'two');
    assert.equal((JSON.parse(runtime.must('state', 'one')) as { status: string }).status, 'running');
    assert.deepEqual(runtime.store.ids(), ['one']);
    runtime.must('delete', '--force', 'one');
    await child.ended;
  });
});

test('a container goes on where it was, from another bundle and in another cgroup', { skip: withoutCriu }, async () => {
  await using runtime = new OciRuntime();
  const cgroup = runtime.ownCgroup();
  const script = 'echo $$ ready; trap "exit 9" TERM; cat /etc/data >/dev/shm/seen; while :; do sleep 0.1; done';
  const child = run(runtime, 'run', '--bundle', makeBundle(runtime, 'bundle', script, `${cgroup}/one`), 'one');
  await child.said('ready');
  const image = join(runtime.base, 'image');
  runtime.must('--criu', criu, 'checkpoint', '--image-path', image, 'one');
  await child.ended;
  assert.deepEqual(runtime.store.ids(), []);

  const other = makeBundle(runtime, 'other', 'true', `${cgroup}/two`, `cat >${join(runtime.base, 'hooked')}`);
  const restored = run(runtime, '--criu', criu, 'restore', '--image-path', image, '--bundle', other, 'two');
  while (!runtime.store.ids().includes('two') || !runtime.store.read('two').process) await new Promise((resolve) => setTimeout(resolve, 20));
  const { pid } = runtime.store.read('two').process!;
  assert.equal((JSON.parse(readFileSync(join(runtime.base, 'hooked'), 'utf8')) as { pid: number }).pid, pid);
  assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`:${cgroup}/two$`, 'm'));
  assert.equal(readFileSync(`/proc/${pid}/root/dev/shm/seen`, 'utf8'), 'from outside\n');
  const mounts = readMountinfo(pid);
  for (const path of ['/usr', '/etc/data', '/proc/keys', '/proc/sys'])
    assert.ok(mounts.find(({ mountPoint }) => mountPoint === path)?.options.includes('ro'), path);
  runtime.must('kill', 'two', 'TERM');
  assert.match(await restored.ended, /^status 9$/m);
  assert.deepEqual(runtime.store.ids(), []);
  rmSync(image, { recursive: true });
});
