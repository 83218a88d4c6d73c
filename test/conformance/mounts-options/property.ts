/** Options of mounts that are not recursive: flags of the mount, flags of the file system, and what the file system itself reads. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Mount, mountAt, parseMounts } from '../suite/proc.ts';
import type { Bench } from '../suite/bench.ts';
import type { MountEntry } from '../suite/config.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxMountOptions';
const tmpfs = { destination: '/mnt', type: 'tmpfs', source: 'probe' };
const bind = { destination: '/mnt', type: 'none', source: 'source' };

async function mountOf(bench: Bench, entry: MountEntry): Promise<Mount> {
  const text = await bench.report({ script: 'cat /proc/self/mountinfo', mounts: [entry], prepare: (_, bundle) => mkdirSync(join(bundle, 'source')) });
  return mountAt(parseMounts(text), '/mnt');
}

/** What mountinfo shows of a mount's own flags, where it is not the default. */
const flags: Readonly<Record<string, string>> = {
  ro: 'ro',
  nosuid: 'nosuid',
  nodev: 'nodev',
  noexec: 'noexec',
  noatime: 'noatime',
  nodiratime: 'nodiratime',
  relatime: 'relatime',
};

const superFlags: Readonly<Record<string, string>> = { sync: 'sync', dirsync: 'dirsync', lazytime: 'lazytime' };

function isFlag(option: string, shown: string): Claim {
  return {
    spec,
    must: `${option} is a flag of the mount, of a new file system and of a bind mount.`,
    check: async (bench) => {
      assert.ok((await mountOf(bench, { ...tmpfs, options: [option] })).options.includes(shown), 'not of a tmpfs');
      assert.ok((await mountOf(bench, { ...bind, options: ['bind', option] })).options.includes(shown), 'not of a bind mount');
    },
  };
}

function isSuperFlag(option: string, shown: string): Claim {
  return {
    spec,
    must: `${option} is a flag of the file system.`,
    check: async (bench) => {
      assert.ok((await mountOf(bench, { ...tmpfs, options: [option] })).superOptions.includes(shown));
    },
  };
}

/** Options that take a flag back, or that ask for what is so anyway. */
const opposites: Readonly<Record<string, string>> = { rw: 'ro', suid: 'nosuid', dev: 'nodev', exec: 'noexec', atime: 'noatime', diratime: 'nodiratime' };
const silent = ['async', 'iversion', 'loud', 'noiversion', 'nolazytime', 'norelatime', 'nostrictatime', 'silent'];

export default {
  ...Object.fromEntries(Object.entries(flags).map(([option, shown]) => [option, isFlag(option, shown)])),
  ...Object.fromEntries(Object.entries(superFlags).map(([option, shown]) => [option, isSuperFlag(option, shown)])),
  strictatime: {
    spec,
    must: 'strictatime has each access recorded: the mount is neither relatime nor noatime.',
    check: async (bench) => {
      const { options } = await mountOf(bench, { ...tmpfs, options: ['strictatime'] });
      assert.deepEqual(
        options.filter((option) => option.endsWith('atime')),
        [],
      );
    },
  },
  'each flag can be taken back by its opposite': {
    spec,
    must: 'rw, suid, dev, exec, atime and diratime are the opposites; of two the later holds.',
    check: async (bench) => {
      const { options } = await mountOf(bench, { ...tmpfs, options: Object.entries(opposites).flatMap(([option, opposite]) => [opposite, option]) });
      assert.deepEqual(
        Object.values(opposites).filter((option) => options.includes(option)),
        [],
      );
    },
  },
  'those that change nothing visible are understood': {
    spec,
    must: `${silent.join(', ')} are options, not parameters of the file system.`,
    check: async (bench) => {
      await mountOf(bench, { ...tmpfs, options: silent });
    },
  },
  defaults: {
    spec,
    must: 'defaults is an option, not a parameter of the file system.',
    check: async (bench) => {
      await mountOf(bench, { ...tmpfs, options: ['defaults'] });
      await mountOf(bench, { ...bind, options: ['bind', 'defaults'] });
    },
  },
  'nosymfollow and symfollow': {
    spec,
    must: 'nosymfollow has no links followed in the mount; symfollow is its opposite.',
    check: async (bench) => {
      const script = 'echo x >/mnt/file; ln -s file /mnt/link; cat /mnt/link 2>&1';
      const { stdout } = await bench.run({ script, mounts: [{ ...tmpfs, options: ['nosymfollow'] }] });
      assert.match(stdout, /Too many levels/);
      assert.equal(await bench.report({ script, mounts: [{ ...tmpfs, options: ['nosymfollow', 'symfollow'] }] }), 'x');
    },
  },
  'remount changes a mount that is there': {
    spec,
    must: 'remount gives the mount at the destination other flags, and what is in it stays.',
    check: async (bench) => {
      const again = { ...tmpfs, options: ['remount', 'ro', 'nosuid'] };
      const text = await bench.report({ script: 'cat /proc/self/mountinfo', mounts: [{ ...tmpfs, options: ['size=64k'] }, again] });
      const mount = mountAt(parseMounts(text), '/mnt');
      assert.equal(mount.type, 'tmpfs');
      assert.deepEqual(
        ['ro', 'nosuid'].filter((option) => !mount.options.includes(option)),
        [],
      );
    },
  },
  'others are the file system’s own': {
    spec,
    must: 'Unknown options are passed to the file system as its parameters.',
    check: async (bench) => {
      const { superOptions } = await mountOf(bench, { ...tmpfs, options: ['size=128k', 'mode=751', 'nosuid', 'uid=7'] });
      assert.deepEqual(
        ['size=128k', 'mode=751', 'uid=7'].filter((option) => !superOptions.includes(option)),
        [],
      );
    },
  },
  'those that the file system does not know are an error': {
    spec,
    must: 'What cannot be applied is an error.',
    check: async (bench) => {
      await bench.refused({ mounts: [{ ...tmpfs, options: ['colour=blue'] }] });
    },
  },
} satisfies Property;
