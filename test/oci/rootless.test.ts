/** hako-oci as an ordinary user: with its own id alone, and with the ids that /etc/subuid grants. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { afterEach, beforeEach, describe } from 'node:test';
import { needs } from '../support/needs.ts';
import { nobody, RootlessBench, unableRootless } from '../support/rootless.ts';

/** What of a configuration is changed here. */
interface Config {
  root: object;
  process: { user: object };
  linux: { resources: object; namespaces: { type: string; path?: string }[] };
  hostname?: string;
  hooks?: object;
}

describe('as an ordinary user', { skip: unableRootless() }, () => {
  let bench: RootlessBench;
  beforeEach(() => void (bench = new RootlessBench()));
  afterEach(() => bench.close());
  const configure = (args: readonly string[], more: (config: Config) => void = () => {}): void => {
    rmSync(join(bench.base, 'config.json'), { force: true });
    bench.must('spec', '--rootless');
    const config = JSON.parse(readFileSync(join(bench.base, 'config.json'), 'utf8')) as Config;
    // The machine's own files: what the user may see.
    config.root = { path: '/', readonly: true };
    Object.assign(config.process, { terminal: false, args });
    more(config);
    writeFileSync(join(bench.base, 'config.json'), JSON.stringify(config));
  };
  test('is root inside and itself outside, in namespaces of its own', () => {
    configure(['sh', '-c', 'id -u; cat /proc/self/uid_map /proc/self/setgroups; hostname; echo $$; stat -c %u /tmp /dev/null; umount /proc 2>&1; id -G']);
    const [uid, map, setgroups, hostname, pid, tmp, node] = bench.must('run', 'alone').split('\n');
    assert.deepEqual([uid, map!.trim().split(/\s+/), setgroups, hostname, pid], ['0', ['0', String(nobody.uid), '1'], 'deny', 'hako', '1']);
    assert.deepEqual([tmp, node], ['65534', '65534'], "the machine's root is nobody there");
  });

  test('has the whole life of a container, and further programs', () => {
    configure(['sleep', '1000'], (config) => {
      config.hooks = {
        createContainer: [{ path: '/bin/sh', args: ['sh', '-c', `id -u >${bench.base}/hook; hostname >>${bench.base}/hook`] }],
        startContainer: [{ path: '/bin/sh', args: ['sh', '-c', 'test $(id -u) = 0 && test $$ -gt 1'] }],
      };
    });
    bench.must('create', '--pid-file', 'pid', 'life');
    assert.equal((JSON.parse(bench.must('state', 'life')) as { status: string }).status, 'created');
    assert.equal(readFileSync(join(bench.base, 'hook'), 'utf8'), '0\nhako\n');
    bench.must('start', 'life');
    const pid = readFileSync(join(bench.base, 'pid'), 'utf8');
    assert.equal(statSync(`/proc/${pid}`).uid, nobody.uid);
    assert.equal(bench.must('exec', 'life', 'sh', '-c', 'id -u; hostname; tr "\\0" " " </proc/1/cmdline'), '0\nhako\nsleep 1000');
    assert.match(bench.run('pause', 'life').stderr, /no cgroup of its own/);
    bench.must('delete', '--force', 'life');
    assert.equal(existsSync(`/proc/${pid}/exe`), false);
  });

  test('has no limit that it may not have, and is told so', () => {
    configure(['true'], (config) => (config.linux.resources = { memory: { limit: 64 << 20 } }));
    const { status, stderr } = bench.run('run', 'limited');
    assert.equal(status, 1);
    assert.match(stderr, /limits memory, but this user may not make cgroups/);
  });

  test('joins the namespaces of another container of its own, the user namespace first', () => {
    configure(['sleep', '1000'], ({ linux }) => linux.namespaces.push({ type: 'network' }));
    bench.must('create', '--pid-file', 'pid', 'pod');
    bench.must('start', 'pod');
    const pid = readFileSync(join(bench.base, 'pid'), 'utf8');
    const kinds = { user: 'user', network: 'net', ipc: 'ipc', uts: 'uts', pid: 'pid' };
    const links = 'cd /proc/self/ns; readlink user net ipc uts pid';
    configure(['sh', '-c', `${links}; id -u`], (config) => {
      delete config.hostname; // it is the other's
      config.linux = {
        resources: {},
        namespaces: [...Object.entries(kinds).map(([type, name]) => ({ type, path: `/proc/${pid}/ns/${name}` })), { type: 'mount' }],
      };
    });
    assert.equal(bench.must('run', 'member'), `${bench.must('exec', 'pod', 'sh', '-c', links)}\n0`);
    assert.match(bench.run('exec', '--user', '1', 'pod', 'true').stderr, /the user namespace has no user 1/);
    bench.must('delete', '--force', 'pod');
  });

  test('maps the ids that it is granted', { skip: needs('newuidmap', 'newgidmap') }, () => {
    const files = ['/etc/subuid', '/etc/subgid'].map((path) => ({ path, text: existsSync(path) ? readFileSync(path, 'utf8') : undefined }));
    try {
      for (const { path } of files) appendFileSync(path, `${nobody.name}:700000:100\n`);
      const maps = (id: number, count: number): object[] => [
        { containerID: 0, hostID: id, size: 1 },
        { containerID: 1, hostID: 700000, size: count },
      ];
      const withMaps = (count: number) => (config: Config) => {
        Object.assign(config.linux, { uidMappings: maps(nobody.uid, count), gidMappings: maps(nobody.gid, count) });
        config.process.user = { uid: 7, gid: 8, additionalGids: [9] };
      };
      configure(['sh', '-c', 'id -u; id -g; id -G; cat /proc/self/setgroups'], withMaps(100));
      assert.equal(bench.must('run', 'granted'), '7\n8\n8 9\nallow');
      configure(['true'], withMaps(101));
      const { status, stderr } = bench.run('run', 'beyond');
      assert.equal(status, 1);
      assert.match(stderr, /newuidmap.*\/etc\/subuid/);
    } finally {
      for (const { path, text } of files) {
        if (text === undefined) rmSync(path);
        else writeFileSync(path, text);
      }
    }
  });
});
