/** The clocks of a time namespace. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { defaultNamespaces } from '../suite/config.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxTimeOffset';
const day = 86_400;

export default {
  'are shifted': {
    spec,
    must: 'timeOffsets sets the offsets of the monotonic and the boot clock.',
    needs: () => (existsSync('/proc/self/ns/time') ? false : 'the kernel has no time namespaces here'),
    check: async (bench) => {
      const timeOffsets = { monotonic: { secs: 2 * day, nanosecs: 5 }, boottime: { secs: 7 * day } };
      const script = 'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime';
      const config = { ociVersion: '1.1.0' };
      const lines = (await bench.report({ script, namespaces: [...defaultNamespaces, 'time'], linux: { timeOffsets }, config })).split('\n');
      assert.deepEqual(
        lines.slice(0, 2).map((line) => line.split(/\s+/)),
        [
          ['monotonic', String(2 * day), '5'],
          ['boottime', String(7 * day), '0'],
        ],
      );
      assert.ok(Number(lines[2]) >= 7 * day, `the container is up since ${lines[2]} s`);
    },
  },
  'need a time namespace': {
    spec: 'config.md#valid-values',
    must: 'What cannot be applied is an error, rather than a change of the host’s.',
    check: async (bench) => {
      await bench.refused({ linux: { timeOffsets: { monotonic: { secs: day } } }, config: { ociVersion: '1.1.0' } });
    },
  },
} satisfies Property;
