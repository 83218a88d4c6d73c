/**
 * A filter that hands calls over (SCMP_ACT_NOTIFY): hako-oci gives its listener to a real supervisor, a program that answers for the
 * calls of a container and of an exec in it.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { buildBaseRootfs } from '../../src/image/base/base-image.ts';
import { call } from '../../src/kernel/call.ts';
import { perform } from '../../src/kernel/perform.ts';
import { findCgroup } from '../../src/runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { handOverStep } from '../../src/runtime/seccomp/listener.ts';
import { apply } from '../../src/step/apply.ts';
import { step } from '../../src/step/step.ts';
import { firstOf, needs, needsRoot } from '../support/needs.ts';

const skip = firstOf(needsRoot(), needs('python3'), process.arch !== 'x64' && 'the supervisor knows the structures of x86-64');

/** Takes listeners at a socket, says what it was told, and answers every call that comes with the errno 77. */
const supervisor = `
import array, fcntl, json, os, socket, struct, sys, threading
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
print('listening', flush=True)
def answer(fd):
    while True:
        notification = bytearray(80)
        try: fcntl.ioctl(fd, 0xc0502100, notification)
        except OSError: return
        (cookie, pid, _, nr) = struct.unpack_from('QIIi', notification)
        fcntl.ioctl(fd, 0xc0182101, struct.pack('QqiI', cookie, 0, -77, 0))
        print('asked', nr, flush=True)
while True:
    connection, _ = server.accept()
    message, fds, _, _ = socket.recv_fds(connection, 65536, 1)
    if fds and message[:1] == b'{': print('told', json.dumps({ 'message': json.loads(message), 'kind': os.readlink('/proc/self/fd/%d' % fds[0]) }), flush=True)
    if fds: threading.Thread(target=answer, args=fds, daemon=True).start()
`;

describe('a filter that hands calls over', { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-notify-'));
  const parent = `/hako-test-notify-${process.pid}`;
  const socket = join(directory, 'supervisor');
  const said: string[] = [];
  let agent: ChildProcess;
  let wake = (): void => {};
  before(async () => {
    mkdirSync(join(directory, 'rootfs'));
    await buildBaseRootfs(join(directory, 'rootfs'));
    agent = spawn('python3', ['-c', supervisor, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(agent.stdout!).on('line', (line) => (said.push(line), wake()));
    assert.equal(await heard(/^listening/), 'listening');
  });
  after(async () => {
    agent.kill();
    await once(agent, 'exit');
    const cgroup = findCgroup(detectCgroups(), parent);
    if (cgroup) await apply(removeCgroup(cgroup), { kernel: { call: perform } });
    rmSync(directory, { recursive: true });
  });

  const hako = (...words: readonly string[]) =>
    spawnSync(process.execPath, ['src/oci/main.ts', '--root', join(directory, 'state'), ...words], { encoding: 'utf8' });
  /** The next line of the supervisor's that fits. */
  const heard = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const at = said.findIndex((line) => pattern.test(line));
      if (at >= 0) return said.splice(0, at + 1).at(-1)!;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  let count = 0;
  const configure = (process: object, seccomp: object): void =>
    writeFileSync(
      join(directory, 'config.json'),
      JSON.stringify({
        ociVersion: '1.2.0',
        root: { path: 'rootfs' },
        process: { cwd: '/', env: ['PATH=/usr/bin:/bin'], args: ['sleep', '100'], user: { uid: 0, gid: 0 }, ...process },
        mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
        annotations: { 'org.example': 'notes' },
        linux: {
          namespaces: ['pid', 'mount', 'uts', 'ipc', 'network'].map((type) => ({ type })),
          cgroupsPath: `${parent}/${++count}`,
          seccomp: { defaultAction: 'SCMP_ACT_ALLOW', listenerPath: socket, ...seccomp },
        },
      }),
    );
  const names = ['mkdir', 'mkdirat'];

  test('its supervisor is told of the container and of an exec, and answers for their calls', async () => {
    configure({ noNewPrivileges: true }, { listenerMetadata: 'meta', syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }] });
    // The program's streams must not be those of a pipe that spawnSync waits for.
    assert.equal(
      spawnSync('sh', ['-c', `${process.execPath} src/oci/main.ts --root ${directory}/state run -d --bundle ${directory} notified >&2`], { stdio: 'inherit' })
        .status,
      0,
    );
    const { message, kind } = JSON.parse((await heard(/^told/)).slice(5)) as { message: { pid: number; state: object }; kind: string };
    const state = JSON.parse(hako('state', 'notified').stdout) as { pid: number };
    assert.equal(kind, 'anon_inode:seccomp notify');
    const seen = { ociVersion: '1.2.0', id: 'notified', pid: state.pid, bundle: directory, annotations: { 'org.example': 'notes' } };
    assert.deepEqual(message, { ociVersion: '1.2.0', fds: ['seccompFd'], pid: state.pid, metadata: 'meta', state: { ...seen, status: 'creating' } });

    const { stderr, status } = hako('exec', 'notified', 'mkdir', '/made');
    assert.match(stderr, /mkdir: .*'\/made': File descriptor in bad state/);
    assert.equal(status, 1);
    const exec = JSON.parse((await heard(/^told/)).slice(5)) as { message: { pid: number; state: object } };
    assert.deepEqual(exec.message.state, { ...seen, status: 'running' });
    assert.notEqual(exec.message.pid, state.pid);
    assert.match(await heard(/^asked/), /^asked 83$/);
    process.kill(state.pid, 'SIGKILL');
  });

  test('it is handed over before the calls that the process itself makes after the filter', async () => {
    // Without no_new_privs the credentials come after the filter: the supervisor refuses them, and so the start.
    configure({ user: { uid: 5, gid: 5 } }, { syscalls: [{ names: ['setresuid'], action: 'SCMP_ACT_NOTIFY' }] });
    const { stderr, status } = hako('run', '--bundle', directory, 'refused');
    assert.equal(status, 1);
    assert.match(stderr, /become user 5, group 5: setresuid\(5, 5, 5\) failed: error 77 \(EBADFD\)/);
    assert.match(await heard(/^asked/), /^asked 117$/);
  });

  test('where nobody listens, nothing is started', () => {
    configure({}, { listenerPath: join(directory, 'nobody'), syscalls: [{ names, action: 'SCMP_ACT_NOTIFY' }] });
    const { stderr, status } = hako('run', '--bundle', directory, 'unheard');
    assert.equal(status, 1);
    assert.match(stderr, /hand the filter's listener over to the supervisor at .*nobody: .*no such file or directory/);
    assert.notEqual(hako('state', 'unheard').status, 0);
  });

  test('what is told fits into one message, or is an error', async () => {
    const fd = await apply(openNull(), { kernel: { call: perform } });
    const huge = handOverStep(
      { path: socket, state: () => 'x'.repeat(8 << 20) },
      () => fd,
      () => 1,
    );
    await assert.rejects(apply(step(huge), { kernel: { call: perform } }), /EMSGSIZE/);
  });
});

function openNull() {
  const open = call('openat', [-100, '/dev/null', 0, 0]);
  return step<number>({ id: 'test.open', what: 'Open', calls: [open], shell: '', look: '', result: ([fd]) => fd! });
}
