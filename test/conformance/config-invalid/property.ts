/** Configurations that are no configurations. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Claim, Property } from '../suite/property.ts';
import type { Asked } from '../suite/config.ts';

const spec = 'config.md#valid-values';

/** Wrong values, each of which is an error and leaves nothing. */
const wrong: Readonly<Record<string, Asked>> = {
  'process.args is no list': { process: { args: 'sh' } },
  'process.env has a number': { process: { env: [1] } },
  'process.user.uid is a name': { process: { user: { uid: 'root', gid: 0 } } },
  'process.user.uid is negative': { process: { user: { uid: -1, gid: 0 } } },
  'process.user.uid is more than 32 bits': { process: { user: { uid: 2 ** 32, gid: 0 } } },
  'process.terminal is a word': { process: { terminal: 'yes' } },
  'root.readonly is a word': { config: { root: { path: 'rootfs', readonly: 'yes' } } },
  'mounts is no list': { config: { mounts: {} } },
  'linux.namespaces is no list': { linux: { namespaces: { type: 'pid' } } },
  'linux.resources.memory.limit is a text': { linux: { resources: { memory: { limit: '64m' } } } },
  'linux.seccomp.defaultAction is unknown': { linux: { seccomp: { defaultAction: 'SCMP_ACT_SHRUG' } } },
  'linux.devices has a wrong type': { linux: { devices: [{ path: '/dev/x', type: 7, major: 1, minor: 1 }] } },
  'hooks is no object': { config: { hooks: [] } },
};

function isRefused(asked: Asked): Claim {
  return {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused(asked);
    },
  };
}

export default {
  ...Object.fromEntries(Object.entries(wrong).map(([name, asked]) => [name, isRefused(asked)])),
  'config.json is no JSON': {
    spec: 'config.md#configuration',
    must: 'config.json is a JSON object.',
    check: async (bench) => {
      for (const text of ['', '{', '[]', '{"ociVersion": "1.0.2",}']) {
        const bundle = bench.bundle();
        bench.edit(bundle, () => text);
        await bench.refused(bundle);
      }
    },
  },
  'config.json is a directory': {
    spec: 'bundle.md',
    must: 'The bundle has a file config.json.',
    check: async (bench) => {
      const bundle = bench.bundle();
      rmSync(join(bundle.directory, 'config.json'));
      mkdirSync(join(bundle.directory, 'config.json'));
      await bench.refused(bundle);
    },
  },
} satisfies Property;
