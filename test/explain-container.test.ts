/** `hako explain CONTAINER`: what it says is what the kernel shows, and where the kernel differs from the record it says so. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import test, { after, before, describe } from 'node:test';
import type { ContainerExplanation, LiveExplanation } from '../src/api/schema.ts';
import { startEngine, type TestEngine } from './support/engine.ts';
import { firstOf, needs, needsController, needsRoot } from './support/needs.ts';

describe('a container is explained', { skip: needsRoot() }, () => {
  let engine: TestEngine;
  const explain = (name: string, query = ''): Promise<ContainerExplanation> => engine.api.ask('GET', `/containers/${name}/explain${query}`);
  const live = async (name: string, query = ''): Promise<LiveExplanation> => (await explain(name, query)).live!;

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    await engine.must('run', '-d', '--name', 'web', '-p', '8080:80', '-v', '/usr/share:/data:ro', '--ulimit', 'nofile=64', 'base', 'sleep', '1000');
  });
  after(() => engine?.close());

  test('by its namespaces, and with whom it shares each', async () => {
    await engine.must('run', '-d', '--name', 'side', '--network', 'container:web', '--uts', 'host', 'base', 'sleep', '1000');
    const { namespaces, pid } = await live('side');
    for (const { type, id } of namespaces) assert.equal(id, readlinkSync(`/proc/${pid}/ns/${type}`));
    const of = (type: string) => namespaces.find((n) => n.type === type)!;
    assert.deepEqual(of('net').containers, ['web']);
    assert.deepEqual(of('mnt').containers, []);
    assert.equal(of('uts').host, true);
    assert.equal(of('pid').host, false);
    await engine.must('rm', '-f', 'side');
  });

  test('by its capabilities: each is either held or lacking', async () => {
    const { capabilities, pid } = await live('web');
    assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^CapEff:\\s*${capabilities.sets.CapEff}$`, 'm'));
    const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'));
    assert.equal(capabilities.held.length + capabilities.lacking.length, last + 1);
    assert.ok([...capabilities.held.map((c) => c.allows), ...capabilities.lacking.map((c) => c.forbids)].every((text) => text !== ''));
    assert.ok(capabilities.lacking.some((c) => c.name === 'CAP_SYS_ADMIN'));
  });

  test('by the filter that the kernel has loaded', async () => {
    const { seccomp } = await live('web');
    assert.equal(seccomp.source, 'kernel', seccomp.refused);
    const refused = new Map(seccomp.refusedCalls.map((call) => [call.name, call.action]));
    assert.equal(refused.get('mount'), 'refused with EPERM');
    assert.equal(refused.get('clone3'), 'refused with ENOSYS');
    assert.equal(refused.has('read'), false);
    assert.match(seccomp.conditionalCalls.find((c) => c.name === 'clone')!.words.join(), /none of CLONE_NEWNS.*refused with EPERM/);
    assert.match(seccomp.conditionalCalls.find((c) => c.name === 'socket')!.words.join(), /not AF_ALG, AF_VSOCK/);
    const { allowed, conditional } = seccomp.counts;
    assert.ok(allowed > 200 && conditional > 0 && seccomp.counts.refused === refused.size);
  });

  test('by a profile of its own, or none', async () => {
    const profile = `${engine.directory}/profile.json`;
    writeFileSync(
      profile,
      JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['chmod', 'fchmodat'], action: 'SCMP_ACT_ERRNO', errnoRet: 28 }] }),
    );
    await engine.must('run', '-d', '--name', 'odd', '--security-opt', `seccomp=${profile}`, 'base', 'sleep', '1000');
    await engine.must('run', '-d', '--name', 'open', '--security-opt', 'seccomp=unconfined', 'base', 'sleep', '1000');
    const { seccomp } = await live('odd');
    assert.deepEqual(
      seccomp.refusedCalls.filter((c) => c.action.endsWith('ENOSPC')).map((c) => c.name),
      process.arch === 'x64' ? ['chmod', 'fchmodat'] : ['fchmodat'],
    );
    assert.equal((await live('open')).seccomp.mode, 'disabled');
    assert.match(await engine.must('explain', 'open'), /No filter: every system call reaches the kernel/);
    await engine.must('rm', '-f', 'odd', 'open');
  });

  test('by its mounts, and the layer of a file', async () => {
    await engine.must('exec', 'web', 'sh', '-c', 'echo new > /etc/passwd; echo x > /made; ln -s /etc/group /link');
    const { files } = await live('web', '?file=/etc/passwd&file=/made&file=/link&file=/etc/hosts&file=/data/doc&file=/proc/version&file=/nothing');
    assert.deepEqual(
      files.map((f) => f.origin.replace(/ of base.*/, '')),
      [
        "the container's own writable layer",
        "the container's own writable layer",
        'layer 1 of 1',
        'engine: written by the engine for this container',
        'bind: /usr/share of the host, read-only by its option',
        "kernel: the kernel's view of processes and settings",
        'no such file or directory',
      ],
    );
    assert.equal(files[2]!.real, '/etc/group');
    assert.equal(files[4]!.place, '/usr/share/doc');
    for (const { place } of files) assert.ok(place === '' || existsSync(place), place);
    const own = (await live('web')).files;
    assert.equal(own[0]?.role, 'program');
    assert.ok(own.some((f) => f.role === 'library' && /libc\.so/.test(f.path)));
  });

  test('by the way from a published port to the process that listens', { skip: needs('nft') }, async () => {
    const before_ = await live('web');
    const hops = before_.network.paths[0]!.hops;
    assert.deepEqual(
      hops.map((h) => h.what),
      ['host port', 'nf_tables', 'address', 'veth', 'namespace', 'process'],
    );
    assert.deepEqual(
      hops.filter((h) => !h.ok).map((h) => h.where),
      ['nobody listens on port 80: a caller is refused'],
    );
    // Taken out of the packet filter behind the engine's back.
    assert.equal((await engine.runInNetwork('nft', 'delete', 'element', 'ip', engine.bridge, 'published', '{ tcp . 8080 }')).code, 0);
    const { live: then, differences } = await explain('web');
    assert.equal(then!.network.paths[0]!.hops.find((h) => h.what === 'nf_tables')!.ok, false);
    assert.match(differences.join('\n'), /publishes 0\.0\.0\.0:8080->80\/tcp, but table ip .* has no element for it/);
    await engine.runInNetwork('nft', 'add', 'element', 'ip', engine.bridge, 'published', `{ tcp . 8080 : ${then!.network.address} . 80 }`);
    assert.deepEqual((await explain('web')).differences, []);
  });

  test(
    'by its cgroup; a limit that was changed behind the engine is a difference',
    { skip: firstOf(needsController('memory'), needsController('pids')) },
    async () => {
      await engine.must('run', '-d', '--name', 'small', '-m', '64m', '--pids-limit', '50', 'base', 'sleep', '1000');
      const first = await explain('small');
      assert.deepEqual(first.differences, []);
      const figure = (name: string) => first.live!.cgroup.figures.find((f) => f.name === name)!;
      assert.equal(figure('memory').limit, '64 MiB');
      assert.equal(figure('pids').limit, '50');
      writeFileSync(figure('pids').file, '40');
      assert.deepEqual((await explain('small')).differences, ['The record limits the number of processes to 50, the kernel to 40']);
      await engine.must('rm', '-f', 'small');
    },
  );

  test('by its user, maps and limits', async () => {
    await engine.must('run', '-d', '--name', 'mapped', '--userns', 'private:200000:1000', '--user', '7:8', 'base', 'sleep', '1000');
    const { user } = await live('mapped');
    assert.deepEqual([user.uid, user.gid, user.onHost], [7, 8, { uid: 200007, gid: 200008 }]);
    assert.deepEqual(user.uidMap, ['0 200000 1000']);
    await engine.must('rm', '-f', 'mapped');
    assert.deepEqual(
      (await live('web')).limits.filter((l) => l.asked).map((l) => [l.name, l.soft]),
      [['RLIMIT_NOFILE', '64']],
    );
  });

  test('in text, at 80 columns; and what is asked wrongly is one sentence', async () => {
    const text = await engine.must('explain', 'web');
    assert.match(text, /CAP_SYS_ADMIN: mount file systems/);
    assert.match(text, /What the kernel has is what the engine wrote down/);
    assert.equal(JSON.parse(await engine.must('explain', '--format', 'json', 'web')).name, 'web');
    // For a name that is nobody's, a second line tells where the names of steps are.
    const failing = [
      [['nope'], 2],
      [['--file', 'x', 'web'], 1],
    ] as const;
    for (const [args, lines] of failing) {
      const { code, stderr } = await engine.hako(['explain', ...args]);
      assert.equal(code, 1);
      assert.equal(stderr.trim().split('\n').length, lines, stderr);
    }
  });

  test('when it does not run: what it is, and how to start it', async () => {
    await engine.must('create', '--name', 'made', 'base', 'true');
    assert.match(await engine.must('explain', 'made'), /never started[\s\S]*hako start made/);
    await engine.hako(['run', '--name', 'over', 'base', 'sh', '-c', 'exit 3']);
    assert.match(await engine.must('explain', 'over'), /with code 3[\s\S]*hako logs over[\s\S]*hako start over/);
    assert.equal((await explain('over')).live, undefined);
    await engine.must('pause', 'web');
    const paused = await explain('web');
    assert.match(paused.state.join(), /hako unpause web/);
    assert.notEqual(paused.live!.seccomp.source, 'none');
    await engine.must('unpause', 'web');
  });
});
