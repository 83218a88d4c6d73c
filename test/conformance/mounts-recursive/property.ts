/** Options that apply to a mount and to all below it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { mountAt, parseMounts } from '../suite/proc.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxMountOptions';

const shown: Readonly<Record<string, string>> = {
  rro: 'ro',
  rnosuid: 'nosuid',
  rnodev: 'nodev',
  rnoexec: 'noexec',
  rnoatime: 'noatime',
  rnodiratime: 'nodiratime',
  rrelatime: 'relatime',
  rnosymfollow: 'nosymfollow',
};
const opposites: Readonly<Record<string, string>> = {
  rrw: 'ro',
  rsuid: 'nosuid',
  rdev: 'nodev',
  rexec: 'noexec',
  rdiratime: 'nodiratime',
  rstrictatime: 'noatime',
  rsymfollow: 'nosymfollow',
};

/** A claim about the options of a mount and of one below, which had some. */
function applies(option: string, below: string, holds: (options: readonly string[]) => boolean): Claim {
  return {
    spec,
    must: `${option} is set on the mount and on each below it, by mount_setattr(2) with AT_RECURSIVE.`,
    check: async (bench) => {
      const text = await bench.report({
        script: 'cat /proc/self/mountinfo',
        mounts: [{ destination: '/mnt', source: 'source', options: ['rbind', option] }],
        prepare: (_, bundle) => {
          mkdirSync(join(bundle, 'source'));
          execFileSync('mount', ['-t', 'tmpfs', 'source', join(bundle, 'source')]);
          mkdirSync(join(bundle, 'source/below'));
          execFileSync('mount', ['-t', 'tmpfs', '-o', below, 'below', join(bundle, 'source/below')]);
        },
      });
      const mounts = parseMounts(text);
      for (const target of ['/mnt', '/mnt/below']) {
        const { options } = mountAt(mounts, target);
        assert.ok(holds(options), `${target} has ${options.join(',')}`);
      }
    },
  };
}

export default {
  ...Object.fromEntries(Object.entries(shown).map(([option, flag]) => [option, applies(option, 'rw', (options) => options.includes(flag))])),
  ...Object.fromEntries(Object.entries(opposites).map(([option, flag]) => [option, applies(option, flag, (options) => !options.includes(flag))])),
} satisfies Property;
