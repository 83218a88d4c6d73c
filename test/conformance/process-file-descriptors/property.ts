/** The descriptors that the container's process begins with. */
import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'runtime-linux.md#runtimeLinuxFileDescriptors';

export default {
  'are the three standard ones': {
    spec,
    must: 'Only stdin, stdout and stderr are open, whatever the caller has open.',
    check: async (bench) => {
      // The list itself is read through one more.
      const bundle = bench.bundle({ process: { args: ['/bin/ls', '/proc/self/fd'] } });
      const inherited = openSync('/dev/null', 'r');
      const text = await bench.report(bundle, { descriptors: [inherited] });
      closeSync(inherited);
      assert.equal(text, '0\n1\n2\n3');
    },
  },
  'include those that the caller passes': {
    spec: 'runc(8)',
    must: '--preserve-fds N passes descriptors 3 to 2+N to the program.',
    check: async (bench) => {
      const file = join(bench.directory, 'passed');
      writeFileSync(file, 'through a descriptor\n');
      const fd = openSync(file, 'r');
      const { id, directory } = bench.bundle({ script: 'cat <&3' });
      const { code, stdout, stderr } = await bench.runtime.call(['run', '--preserve-fds', '1', '--bundle', directory, id], { descriptors: [fd] });
      closeSync(fd);
      assert.equal(code, 0, stderr);
      assert.equal(stdout, 'through a descriptor\n');
    },
  },
} satisfies Property;
