import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach, beforeEach, describe } from 'node:test';
import { processStat, type ProcessIdentity } from '../kernel/process-stat.ts';
import type { ContainerRecord } from './container-record.ts';
import { DamagedState, StateStore } from './state-store.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-oci-store-'));
after(() => rmSync(base, { recursive: true, force: true }));

let store: StateStore;
let process_: ChildProcess;
let count = 0;

const identify = (pid: number): ProcessIdentity => ({ pid, startTime: processStat(pid)!.startTime });

function record(id: string, more: Partial<ContainerRecord> = {}): ContainerRecord {
  return {
    id,
    ociVersion: '1.2.0',
    bundle: '/bundle',
    rootfs: '/bundle/rootfs',
    created: '2026-01-02T03:04:05.678Z',
    owner: 0,
    annotations: { 'org.example.key': 'v' },
    creator: identify(process.pid),
    cgroup: { driver: 'cgroupfs', path: `/hako-test-store/${id}`, hierarchies: ['unified'] },
    hooks: false,
    keyring: true,
    namespaces: ['pid', 'mount'],
    ...more,
  };
}

beforeEach(() => {
  store = new StateStore(join(base, String(++count), 'root'));
  process_ = spawn('sleep', ['1000'], { stdio: 'ignore' });
});
afterEach(async () => {
  if (process_.exitCode !== null || process_.signalCode !== null) return;
  process_.kill('SIGKILL');
  await once(process_, 'exit');
});

describe('records', () => {
  test('what was written is read, and nobody else may read it', () => {
    const directory = store.create(record('a', { process: identify(process_.pid!) }));
    assert.deepEqual(store.read('a'), record('a', { process: identify(process_.pid!) }));
    assert.equal(directory, join(store.root, 'a'));
    for (const path of [directory, store.root]) assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(store.root).mode & 0o1000, 0o1000, 'who clears XDG_RUNTIME_DIR leaves a sticky directory');
    assert.deepEqual(readdirSync(directory), ['state.json']);
    const changed = record('a', { owner: 7, cgroup: { driver: 'cgroupfs', path: '/a', hierarchies: ['memory'], bases: { memory: '/caller' }, kept: [] } });
    store.update(changed);
    assert.deepEqual(store.read('a'), changed);
  });

  test('an id is claimed once', () => {
    store.create(record('a'));
    assert.throws(() => store.create(record('a')), { name: 'OciError', message: 'container with given ID already exists: a' });
  });

  test('of many who claim an id at once one gets it', () => {
    const script = `import { StateStore } from ${JSON.stringify(join(import.meta.dirname, 'state-store.ts'))};
      new StateStore(${JSON.stringify(store.root)}).create(${JSON.stringify(record('a'))});`;
    const shell = Array.from({ length: 4 }, () => `"$0" --input-type=module -e "$1" 2>/dev/null && echo got &`).join('\n');
    const { stdout } = spawnSync('sh', ['-c', `${shell}\nwait`, process.execPath, script], { encoding: 'utf8' });
    assert.equal(stdout, 'got\n');
  });

  test('ids are file names that cannot lead elsewhere', () => {
    for (const id of ['', '.', '..', 'a/b', '../a', 'a b', 'a\n', '~a', 'ä', '\0']) assert.throws(() => store.read(id), /invalid container ID/, id);
    assert.throws(() => store.read('a'.repeat(256)), /may have 255/);
    for (const id of ['a', '-a', '.a', 'A_1+b-c.d', 'a'.repeat(255)]) assert.throws(() => store.read(id), /container does not exist/, id);
  });

  test('removal takes all of the directory, once; a record that is written afterwards makes none', () => {
    const directory = store.create(record('a'));
    mkdirSync(join(directory, 'deep/er'), { recursive: true });
    mkdirSync(join(store.root, '~broken-off'));
    store.remove('a');
    assert.deepEqual(readdirSync(store.root), []);
    assert.throws(() => store.remove('a'), /container does not exist/);
    assert.throws(() => store.update(record('a')), /container does not exist/);
    assert.deepEqual(readdirSync(store.root), []);
  });

  test('links in the place of a container are not followed', () => {
    mkdirSync(store.root, { recursive: true });
    mkdirSync(join(base, `victim-${count}`));
    symlinkSync(join(base, `victim-${count}`), join(store.root, 'a'));
    assert.throws(() => store.read('a'), /is no container's directory/);
    assert.throws(() => store.create(record('a')), /already exists/);
    assert.deepEqual(store.ids(), []);
    assert.throws(() => store.remove('a'), /could not remove/);
    assert.ok(existsSync(join(base, `victim-${count}`)));
    assert.deepEqual(readdirSync(store.root), ['a']);
  });
});

describe('what is not ours', () => {
  const path = (): string => join(store.root, 'a/state.json');
  beforeEach(() => void store.create(record('a')));

  test('a damaged state is told as such, and listed', () => {
    const whole = record('a', { process: identify(process_.pid!) });
    const { creator: _, ...without } = whole;
    const process = { ...whole.process };
    const cgroup = { ...whole.cgroup };
    const damaged = [
      '',
      '{',
      JSON.stringify(whole).slice(0, -2),
      ...[
        null,
        [],
        without,
        { ...whole, id: 'b' },
        { ...whole, bundle: 'relative' },
        { ...whole, process: { ...process, pid: -1 } }, // all processes, to kill(2)
        { ...whole, process: { ...process, pid: '1' } },
        { ...whole, process: { ...process, startTime: 1 } },
        { ...whole, cgroup: { ...cgroup, path: '/' } },
        { ...whole, cgroup: { ...cgroup, path: '/a/../..' } },
        { ...whole, cgroup: { ...cgroup, path: 'a' } },
        { ...whole, cgroup: { ...cgroup, bases: { memory: '/a/..' } } },
        { ...whole, cgroup: { ...cgroup, bases: { memory: 1 } } },
        { ...whole, cgroup: { ...cgroup, driver: 'own' } },
        { ...whole, annotations: { a: 1 } },
        { ...whole, namespaces: 'pid' },
      ].map((value) => JSON.stringify(value)),
    ];
    for (const text of damaged) {
      writeFileSync(path(), text);
      assert.throws(() => store.read('a'), DamagedState, text);
    }
    assert.deepEqual(store.ids(), ['a']);
  });

  test('no file but a plain one is read: a link, a FIFO, a directory, one without end', () => {
    const replace = (act: () => void): void => {
      rmSync(path(), { recursive: true });
      act();
      assert.throws(() => store.read('a'), DamagedState);
    };
    replace(() => symlinkSync('/etc/passwd', path()));
    replace(() => assert.equal(spawnSync('mkfifo', [path()]).status, 0));
    replace(() => mkdirSync(path()));
    replace(() => spawnSync('truncate', ['-s', '1T', path()]));
  });

  test('a directory without a state is a creation that goes on, or was broken off', () => {
    rmSync(path());
    assert.throws(() => store.read('a'), /is being created, or its creation was broken off.*delete --force a/);
  });

  test('a directory of somebody else’s is not trusted', { skip: process.getuid!() !== 0 && 'needs root' }, () => {
    spawnSync('chown', ['1234', join(store.root, 'a')]);
    assert.throws(() => store.read('a'), /belongs to the user 1234/);
  });
});

describe('status', () => {
  const status = (more: Partial<ContainerRecord>) => store.status(record('a', more));
  const gate = (): string => join(store.root, 'a/start');
  beforeEach(() => void store.create(record('a')));

  test('creating, as long as the creator lives', () => {
    assert.equal(status({}), 'creating');
    assert.equal(status({ creator: { pid: process.pid, startTime: '1' } }), 'stopped');
  });

  test('created with the gate, running without, stopped with the process’s end', async () => {
    const process = identify(process_.pid!);
    spawnSync('mkfifo', [gate()]);
    assert.ok(lstatSync(gate()).isFIFO());
    assert.equal(status({ process }), 'created');
    rmSync(gate());
    assert.equal(status({ process }), 'running');
    assert.equal(status({ process: { ...process, startTime: '1' } }), 'stopped', 'an id that has come into other hands');
    process_.kill('SIGKILL');
    await once(process_, 'exit');
    assert.equal(status({ process }), 'stopped');
  });

  test('a process that nobody has collected yet is stopped', async () => {
    // The second shell does not know of the child that it has, and collects none while it reads.
    const parent = spawn('sh', ['-c', "sleep 1000 & exec sh -c 'echo $0; read -r _' $!"], { stdio: ['pipe', 'pipe', 'ignore'] });
    try {
      const pid = Number(String((await once(parent.stdout, 'data'))[0]));
      const zombie = identify(pid);
      assert.equal(status({ process: zombie }), 'running');
      process.kill(pid, 'SIGKILL');
      while (processStat(pid)!.state !== 'Z') await new Promise((resolve) => setImmediate(resolve));
      assert.equal(status({ process: zombie }), 'stopped');
    } finally {
      parent.kill('SIGKILL');
    }
    await once(parent, 'exit');
  });
});
