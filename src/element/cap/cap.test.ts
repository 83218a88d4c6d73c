import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needs } from '../../../test/support/needs.ts';
import { capabilitiesIn, capabilityMask, capabilityNames } from '../../kernel/capability.ts';
import { capabilityMeanings } from '../../kernel/capability-meaning.ts';
import { encodeFileCapabilities } from '../../kernel/file-capability.ts';
import { trySetXattr } from '../../kernel/xattr.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { holdNamespaces } from '../../kernel/launch/child.ts';
import { applied, explained } from '../interpret.ts';
import { idsHere, readCredentials, securebitNames, type Credentials } from './credentials.ts';
import { explainCapabilities } from './explain.ts';
import { filesBelow, readFile, removeFile, setFile } from './file.ts';
import { predict, predictAndCheck } from './predict.ts';
import { prepare } from './run.ts';
import { allCapabilities, fileText, maskOf, maskText, nameOf, parseFileText } from './text.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to have capabilities';
const directory = mkdtempSync(join(tmpdir(), 'hako-cap-'));
after(() => rmSync(directory, { recursive: true }));
const program = join(directory, 'program');
copyFileSync('/bin/true', program);

test('names and lists as people write them', () => {
  for (const text of ['net_raw', 'CAP_NET_RAW', 'Cap_Net_Raw', '13']) assert.equal(nameOf(text), 'CAP_NET_RAW');
  assert.throws(() => nameOf('net_rw'), /unknown capability: "net_rw", did you mean CAP_NET_RAW\?/);
  assert.throws(() => nameOf('41'), /unknown capability/);
  assert.equal(maskOf(['chown,net_raw', 'kill']), capabilityMask(['CAP_CHOWN', 'CAP_NET_RAW', 'CAP_KILL']));
  assert.deepEqual([maskOf(['all']), maskOf(['none']), maskOf([''])], [allCapabilities(), 0n, 0n]);
  assert.deepEqual(
    [maskText(0n), maskText(allCapabilities()), maskText(allCapabilities() & ~1n), maskText(1n)],
    ['none', 'all', 'all but CAP_CHOWN', 'CAP_CHOWN'],
  );
});

test('the text form of files, and what a file cannot hold', () => {
  const raw = capabilityMask(['CAP_NET_RAW']);
  assert.deepEqual(parseFileText('cap_net_raw=ep'), { effective: true, permitted: raw, inheritable: 0n });
  assert.deepEqual(parseFileText('cap_net_raw+p-p+i'), { effective: false, permitted: 0n, inheritable: raw });
  assert.deepEqual(parseFileText('= net_raw+ei chown+pe'), { effective: true, permitted: 1n, inheritable: raw });
  assert.equal(parseFileText('all=p').permitted, allCapabilities());
  assert.throws(() => parseFileText('cap_net_raw=ep cap_chown=p'), /one effective bit for all/);
  for (const bad of ['', 'cap_net_raw', 'cap_net_raw=x', 'cap_fly=p', '=p;rm']) assert.throws(() => parseFileText(bad), Error, bad);
  for (const text of ['cap_net_raw=ep', 'cap_chown=eip', 'cap_kill=i', 'cap_chown=p cap_kill=i']) assert.equal(fileText(parseFileText(text)), text);
});

test(
  'files: what setcap writes we read, what we write getcap reads, and a refused write changes nothing',
  { skip: unable || needs('setcap', 'getcap') },
  async () => {
    const getcap = (): string =>
      execFileSync('/usr/sbin/getcap', ['-n', program], { encoding: 'utf8' })
        .trim()
        .slice(program.length + 1);
    for (const text of ['cap_net_raw=ep', 'cap_chown,cap_kill=p', 'cap_net_admin=eip', 'cap_checkpoint_restore=i']) {
      execFileSync('/usr/sbin/setcap', [text, program]);
      const read = readFile(program).capabilities!;
      assert.equal(fileText(read), text);
      assert.equal(read.revision, 2);
      await applied(removeFile(program));
      assert.equal(getcap(), '');
      await applied(setFile(program, parseFileText(text)));
      assert.equal(getcap(), text);
    }
    await applied(setFile(program, parseFileText('cap_kill=ep'), 100_000));
    assert.equal(getcap(), 'cap_kill=ep [rootid=100000]');
    assert.deepEqual([readFile(program).capabilities!.revision, readFile(program).capabilities!.rootid], [3, 100_000]);
    assert.deepEqual(
      filesBelow(directory, assert.fail).map(({ path }) => path),
      [program],
    );
    assert.deepEqual(
      explained(setFile(program, parseFileText('cap_chown=p'))).map(({ id }) => id),
      ['capability.file-set'],
    );
    assert.equal(getcap(), 'cap_kill=ep [rootid=100000]', 'what is explained is not done');
    execFileSync('/usr/sbin/setcap', ['-r', program]);
    await assert.rejects(applied(removeFile(program)), /has no capabilities/);
    await assert.rejects(applied(setFile(directory, parseFileText('cap_chown=p'))), /is no regular file/);
    await assert.rejects(applied(setFile(join(directory, 'none'), parseFileText('cap_chown=p'))), /ENOENT/);
  },
);

test('below a directory, names that are no UTF-8 are found, links are not followed, and what cannot be read is told', { skip: unable }, (t) => {
  const root = mkdtempSync(join(tmpdir(), 'hako-cap-'));
  t.after(() => rmSync(root, { recursive: true }));
  const attribute = encodeFileCapabilities({ revision: 2, effective: true, permitted: capabilityMask(['CAP_NET_RAW']), inheritable: 0n });
  const give = (path: string, bytes: Uint8Array): void => {
    const fd = openSync(path, 'r');
    assert.equal(trySetXattr(fd, 'security.capability', bytes), 0, path);
    closeSync(fd);
  };
  execFileSync('sh', ['-ec', String.raw`d=$(printf 'b\377d'); mkdir "$d" elsewhere; : > elsewhere/f; ln -s elsewhere link`], { cwd: root });
  give(join(root, 'elsewhere/f'), attribute);
  execFileSync('sh', ['-ec', 'cp --preserve=xattr elsewhere/f "$(echo b*d)/f"'], { cwd: root });
  execFileSync('sh', ['-ec', 'mkdir -m 700 closed; chmod 755 .'], { cwd: root });
  const unread: string[] = [];
  // As a user who may not look into all of it.
  process.seteuid!(65_534);
  try {
    assert.deepEqual(
      filesBelow(`${root}/`, (why) => void unread.push(why)).map(({ path, capabilities }) => [path.slice(root.length), fileText(capabilities!)]),
      [
        ['/b\ufffdd/f', 'cap_net_raw=ep'],
        ['/elsewhere/f', 'cap_net_raw=ep'],
      ],
    );
  } finally {
    process.seteuid!(0);
  }
  assert.deepEqual(unread, [`below ${root}/: open directory "closed": permission denied (EACCES)`]);
});

test('a mask is decoded as capsh decodes it', { skip: needs('capsh') }, () => {
  for (const mask of [0x20n, 0x3000n, 0xa80425fbn, 0x1fffeffffffn]) {
    const text = execFileSync('/usr/sbin/capsh', [`--decode=${mask.toString(16)}`], { encoding: 'utf8' });
    assert.equal(text.trim().split('=')[1], capabilitiesIn(mask).join(',').toLowerCase());
  }
});

test('a process is read as getpcaps reads it; one that is gone is told', { skip: unable || needs('capsh', 'getpcaps') }, async () => {
  const child = spawn('/usr/sbin/capsh', ['--drop=cap_sys_admin', '--inh=cap_net_raw,cap_kill', '--', '-c', 'echo ready; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    await once(child.stdout, 'data');
    const read = readCredentials(child.pid!);
    assert.equal(read.sets.inheritable, capabilityMask(['CAP_NET_RAW', 'CAP_KILL']));
    assert.equal(read.sets.bounding & capabilityMask(['CAP_SYS_ADMIN']), 0n);
    assert.equal(read.namespace.same, true);
    assert.equal(read.securebitsKnown, false);
    const { stdout, stderr } = spawnSync('/usr/sbin/getpcaps', [String(child.pid)], { encoding: 'utf8' });
    const flags = (stdout + stderr).replace(/^\d+: /, '');
    // libcap writes `=ep cap_kill,cap_net_raw+i cap_sys_admin-ep`, in one order or another.
    for (const [name, set] of [
      ['p', read.sets.permitted],
      ['i', read.sets.inheritable],
    ] as const) {
      let theirs = 0n;
      for (const [, names = '', actions = ''] of flags.matchAll(/(\S*?)((?:[=+-][eip]*)+)(?:\s|$)/g))
        for (const [, operator, letters = ''] of actions.matchAll(/([=+-])([eip]*)/g)) {
          const mask = names === '' ? allCapabilities() : maskOf([names]);
          if (operator === '=') theirs &= ~mask;
          if (letters.includes(name)) theirs = operator === '-' ? theirs & ~mask : theirs | mask;
        }
      assert.equal(theirs, set, flags);
    }
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  assert.throws(() => readCredentials(child.pid!), /there is no process/);
  assert.equal(readCredentials(process.pid).securebitsKnown, true);
});

test('who is in a user namespace counts as it does; one whose maps are not written yet has none', { skip: unable }, () => {
  const maps = [{ containerID: 0, hostID: 1000, size: 1 }];
  assert.deepEqual(idsHere({ same: true, uidMap: maps, gidMap: maps }).uidMap, [{ containerID: 0, hostID: 0, size: 1 }]);
  assert.deepEqual(idsHere({ same: false, uidMap: maps, gidMap: maps }).uidMap, maps);
  const holder = holdNamespaces(cloneFlags.CLONE_NEWUSER);
  try {
    const { root: nobody, namespace } = readCredentials(holder.pid);
    assert.deepEqual([nobody, namespace.uidMap, namespace.gidMap], [undefined, [], []]);
  } finally {
    holder.release();
  }
});

/** A root of old, whatever the one that runs the tests has. */
const root: Credentials = {
  uids: { real: 0, effective: 0, saved: 0 },
  gids: { real: 0, effective: 0, saved: 0 },
  groups: [],
  sets: { bounding: allCapabilities(), permitted: allCapabilities(), effective: allCapabilities(), inheritable: 0n, ambient: 0n },
  securebits: 0,
  noNewPrivileges: false,
  root: 0,
};

test('sets are worked out from what one has, and what the kernel would refuse is said in words', () => {
  const raw = maskOf(['net_raw']);
  const { sets } = prepare({ drop: allCapabilities(), add: raw | 1n, ambient: raw }, root).credentials;
  assert.deepEqual(sets, { bounding: raw | 1n, permitted: raw | 1n, effective: raw | 1n, inheritable: raw, ambient: raw });
  const poor: Credentials = { ...root, sets: { ...root.sets, permitted: raw, effective: 0n } };
  assert.throws(() => prepare({ add: 1n }, poor), /CAP_CHOWN cannot be added: you do not have it/);
  assert.throws(() => prepare({ drop: raw }, poor), /only with CAP_SETPCAP in force/);
  assert.throws(() => prepare({ ambient: 1n }, poor), /CAP_CHOWN cannot be permitted/);
  assert.throws(() => prepare({ ambient: 1n, permitted: 0n }, root), /cannot be (effective|ambient)/);
  assert.throws(() => prepare({ effective: 1n, permitted: raw }, root), /effective without being permitted/);
  assert.throws(() => prepare({ bounding: allCapabilities() }, { ...root, sets: { ...root.sets, bounding: 1n } }), /can only shrink/);
  assert.throws(() => prepare({ securebits: ['rootless'] }, root), /unknown securebit: "rootless"/);
  assert.throws(() => prepare({ ambient: raw, securebits: ['no-cap-ambient-raise'] }, root), /nothing can be added to the ambient set/);
  assert.deepEqual(prepare({ user: { uid: 5, gid: 6, groups: [7] } }, root).credentials.uids, { real: 5, effective: 5, saved: 5 });
});

test('whatever sets are chosen, the kernel gives a program what is predicted', { skip: unable }, async () => {
  const own = readCredentials(process.pid);
  const [raw, setpcap] = [maskOf(['net_raw']), maskOf(['setpcap'])];
  const nobody = { uid: 65534, gid: 65534, groups: [65534, 12] };
  const all = own.sets.permitted;
  for (const chosen of [
    {},
    { drop: all },
    { drop: all, add: raw, ambient: raw, user: nobody },
    { inheritable: raw, bounding: 0n },
    { drop: raw, noNewPrivileges: true },
    { user: nobody, securebits: ['noroot', 'noroot-locked', 'keep-caps-locked'] },
    { user: nobody, permitted: raw, effective: 0n, bounding: setpcap },
    { securebits: ['no-setuid-fixup', 'no-cap-ambient-raise-locked'], user: { uid: 0, gid: 0, groups: [] }, inheritable: raw },
  ]) {
    for (const file of ['/bin/su', '/bin/true']) {
      const view = await applied(predictAndCheck(file, [], chosen));
      assert.equal(
        view.agrees,
        true,
        JSON.stringify({ ...view, chosen }, (_, v: unknown) => (typeof v === 'bigint' ? v.toString(16) : v)),
      );
    }
  }
  assert.throws(() => predict({ file: '/no/such', env: [], by: { chosen: {} } }), /ENOENT/);
  assert.throws(() => predict({ file: '/usr', env: [], by: { chosen: {} } }), /is a directory/);
  assert.equal(predict({ file: 'sh', env: ['PATH=/bin'], by: { pid: process.pid } }).program.path, '/bin/sh');
  const script = join(directory, 'プログラム.sh');
  copyFileSync('/bin/true', join(directory, 'é'));
  writeFileSync(script, `#!${join(directory, 'é')}\n`, { mode: 0o755 });
  for (const by of [{ pid: process.pid }, { chosen: {} }])
    assert.deepEqual(predict({ file: script, env: [], by }).program.chain, [script, join(directory, 'é')]);
});

test('every capability is explained in both languages, each in its own words', () => {
  const texts = new Set<string>();
  for (const language of ['en', 'ja'] as const) {
    const all = explainCapabilities([], language);
    assert.deepEqual(
      all.map(({ name }) => name),
      [...capabilityNames],
    );
    for (const { name, allows, text } of all) {
      assert.equal(allows, capabilityMeanings[name as keyof typeof capabilityMeanings][language]);
      assert.ok(text.length > (language === 'en' ? 200 : 100) && text.length < 700, `${name} ${language}: ${text.length}`);
      assert.equal(/[ぁ-ん]/.test(text), language === 'ja', name);
      texts.add(text);
    }
  }
  assert.equal(texts.size, 2 * capabilityNames.length);
  assert.equal(new Set(securebitNames.map(({ bit }) => bit)).size, 8);
});
