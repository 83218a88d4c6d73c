/** The class and priorities of a container's packets. */
import assert from 'node:assert/strict';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { needsController } from '../../support/needs.ts';
import { isErrorWithout } from '../suite/missing-controller.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxNetwork';

export default {
  classID: {
    spec,
    must: 'classID tags the packets of the cgroup.',
    needs: () => needsController('net_cls'),
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { network: { classID: 0x10_0001 } } } });
      assert.equal(cgroupFile(container.pid, 'net_cls', ['net_cls.classid', '']).text, String(0x10_0001));
    },
  },
  priorities: {
    spec,
    must: 'priorities are those of the packets by interface.',
    needs: () => needsController('net_prio'),
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { network: { priorities: [{ name: 'lo', priority: 7 }] } } } });
      assert.match(cgroupFile(container.pid, 'net_prio', ['net_prio.ifpriomap', '']).text, /^lo 7$/m);
    },
  },
  'classID is an error where there are no classes': isErrorWithout(['net_cls'], { network: { classID: 0x10_0001 } }),
  'priorities are an error where there are none': isErrorWithout(['net_prio'], { network: { priorities: [{ name: 'lo', priority: 7 }] } }),
} satisfies Property;
