/** The links of /dev to a process's descriptors. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

export default {
  'lead to the descriptors': {
    spec: 'runtime-linux.md#runtimeLinuxDevSymbolicLinks',
    must: '/dev/fd, stdin, stdout and stderr are links to /proc/self/fd and what is in it.',
    check: async (bench) => {
      const script = 'for name in fd stdin stdout stderr; do readlink /dev/$name; done';
      assert.equal(await bench.report({ script }), '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2');
    },
  },
} satisfies Property;
