/** How the container's process is scheduled. */
import assert from 'node:assert/strict';
import { procStat } from '../suite/proc.ts';
import type { Bench } from '../suite/bench.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxProcess';

/** Policies by number, see sched(7). */
const policies = ['SCHED_OTHER', 'SCHED_FIFO', 'SCHED_RR', 'SCHED_BATCH', 'SCHED_ISO', 'SCHED_IDLE', 'SCHED_DEADLINE'];

async function scheduling(bench: Bench, scheduler: object): Promise<{ policy: string | undefined; nice: number }> {
  const container = await bench.start({ script: 'echo up; exec sleep 1000', process: { scheduler }, config: { ociVersion: '1.2.0' } });
  await container.said(/up/);
  return { policy: policies[Number(procStat(container.pid, 41)) & 0xff], nice: Number(procStat(container.pid, 19)) };
}

export default {
  'has its policy and nice value': {
    spec,
    must: 'policy and nice are those of the process; nice is 0 when it is not given.',
    check: async (bench) => {
      assert.deepEqual(await scheduling(bench, { policy: 'SCHED_BATCH', nice: 7 }), { policy: 'SCHED_BATCH', nice: 7 });
      assert.deepEqual(await scheduling(bench, { policy: 'SCHED_OTHER', nice: 3 }), { policy: 'SCHED_OTHER', nice: 3 });
      assert.deepEqual(await scheduling(bench, { policy: 'SCHED_IDLE' }), { policy: 'SCHED_IDLE', nice: 0 });
    },
  },
  'refuses a policy that there is not': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ process: { scheduler: { policy: 'SCHED_FAIR' } }, config: { ociVersion: '1.2.0' } });
    },
  },
} satisfies Property;
