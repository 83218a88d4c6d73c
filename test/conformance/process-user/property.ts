/** The user of the container's process. */
import assert from 'node:assert/strict';
import { procStatus } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configPOSIXUser';

export default {
  'runs the program as the user and the group': {
    spec,
    must: 'uid and gid are those of the container process, real, effective, saved and of the file system.',
    check: async (bench) => {
      const container = await bench.start({ script: 'echo up; exec sleep 1000', process: { user: { uid: 1000, gid: 1001 }, capabilities: {} } });
      await container.said(/up/);
      assert.equal(procStatus(container.pid, 'Uid'), '1000 1000 1000 1000');
      assert.equal(procStatus(container.pid, 'Gid'), '1001 1001 1001 1001');
    },
  },
  'gives it the additional groups, and no others': {
    spec,
    must: 'additionalGids are added to the process; the groups of the caller are not.',
    check: async (bench) => {
      const groups = (user: object): Promise<string> => bench.report({ script: 'grep ^Groups: /proc/self/status', process: { user } });
      assert.equal((await groups({ uid: 1000, gid: 1000, additionalGids: [5, 2000] })).trim(), 'Groups:\t5 2000');
      assert.equal((await groups({ uid: 0, gid: 0 })).trim(), 'Groups:');
    },
  },
  'sets the umask': {
    spec,
    must: 'umask is the mask of the process.',
    check: async (bench) => {
      assert.equal(await bench.report({ script: 'umask', process: { user: { uid: 0, gid: 0, umask: 0o027 } } }), '0027');
      assert.equal(await bench.report({ script: 'umask', process: { user: { uid: 0, gid: 0, umask: 0 } } }), '0000');
    },
  },
} satisfies Property;
