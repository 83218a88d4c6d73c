/** The capabilities of the container's process. */
import assert from 'node:assert/strict';
import { procStatus } from '../suite/proc.ts';
import type { Bench } from '../suite/bench.ts';
import type { Fields } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxProcess';

const bits: Readonly<Record<string, number>> = { CAP_CHOWN: 0, CAP_KILL: 5, CAP_SETGID: 6, CAP_NET_BIND_SERVICE: 10, CAP_SYS_CHROOT: 18, CAP_AUDIT_WRITE: 29 };

function mask(...names: readonly string[]): string {
  return names
    .reduce((sum, name) => sum | (1n << BigInt(bits[name]!)), 0n)
    .toString(16)
    .padStart(16, '0');
}

/** The sets that a process has which is started with these. */
async function setsOf(bench: Bench, process: Fields): Promise<Record<string, string | undefined>> {
  const container = await bench.start({ process: { ...process, args: ['/bin/sh', '-c', 'echo up; exec sleep 1000'] } });
  await container.said(/up/);
  return Object.fromEntries(['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((field) => [field, procStatus(container.pid, field)]));
}

export default {
  'are kept in the bounding set, and no others': {
    spec,
    must: 'bounding is what is kept of the bounding set; root has, after execve(2), all of it.',
    check: async (bench) => {
      const caps = ['CAP_CHOWN', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
      const sets = await setsOf(bench, { capabilities: { bounding: caps, permitted: caps, effective: caps } });
      const all = mask(...caps);
      assert.deepEqual(sets, { CapInh: mask(), CapPrm: all, CapEff: all, CapBnd: all, CapAmb: mask() });
    },
  },
  'are none when there are none': {
    spec,
    must: 'Sets that are empty or absent keep nothing.',
    check: async (bench) => {
      const none = { CapInh: mask(), CapPrm: mask(), CapEff: mask(), CapBnd: mask(), CapAmb: mask() };
      assert.deepEqual(await setsOf(bench, { capabilities: {} }), none);
      assert.deepEqual(await setsOf(bench, { capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] } }), none);
    },
  },
  'are given to a user without privileges by the ambient set': {
    spec,
    must: 'inheritable and ambient are set as they are told, and an ambient capability outlives execve(2) of an ordinary user.',
    check: async (bench) => {
      const caps = ['CAP_NET_BIND_SERVICE', 'CAP_SYS_CHROOT'];
      const [one, bounding] = [['CAP_NET_BIND_SERVICE'], [...caps, 'CAP_AUDIT_WRITE']];
      const capabilities = { bounding, permitted: caps, effective: caps, inheritable: caps, ambient: one };
      const sets = await setsOf(bench, { user: { uid: 1000, gid: 1000 }, capabilities });
      assert.deepEqual(sets, { CapInh: mask(...caps), CapPrm: mask(...one), CapEff: mask(...one), CapBnd: mask(...bounding), CapAmb: mask(...one) });
    },
  },
  'are not given to a user without privileges otherwise': {
    spec,
    must: 'The capabilities of the process are those that the kernel leaves it after execve(2) as its user.',
    check: async (bench) => {
      const caps = ['CAP_CHOWN', 'CAP_SETGID'];
      const sets = await setsOf(bench, { user: { uid: 1000, gid: 1000 }, capabilities: { bounding: caps, permitted: caps, effective: caps } });
      assert.deepEqual(sets, { CapInh: mask(), CapPrm: mask(), CapEff: mask(), CapBnd: mask(...caps), CapAmb: mask() });
    },
  },
  'that nobody knows are no error': {
    spec,
    must: 'A capability that cannot be mapped or granted is logged as a warning; the others are set.',
    check: async (bench) => {
      const caps = ['CAP_CHOWN', 'CAP_TIME_TRAVEL'];
      const sets = await setsOf(bench, { capabilities: { bounding: caps, permitted: caps, effective: caps } });
      assert.equal(sets['CapBnd'], mask('CAP_CHOWN'));
    },
  },
} satisfies Property;
