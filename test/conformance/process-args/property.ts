/** The program and its arguments. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configProcess';

export default {
  'passes each argument as it is': {
    spec,
    must: 'args is the argv of execvp(3): nothing is split, expanded or left out.',
    check: async (bench) => {
      const args = ['/bin/sh', '-c', 'printf "[%s]" "$0" "$@"', 'first', '', 'two words', '$HOME *', 'été\n箱', '--', '-x'];
      assert.equal(await bench.report({ process: { args } }), '[first][][two words][$HOME *][été\n箱][--][-x]');
    },
  },
  'looks for the program along PATH': {
    spec,
    must: 'The first of args is found as execvp(3) finds its file: along the container’s PATH, unless it has a slash.',
    check: async (bench) => {
      const prepare = (rootfs: string): void => writeFileSync(join(rootfs, 'home/probe'), '#!/bin/sh\necho found\n', { mode: 0o755 });
      assert.equal(await bench.report({ prepare, process: { args: ['probe'], env: ['PATH=/nowhere:/home:/bin'] } }), 'found');
      assert.equal(await bench.report({ prepare, process: { args: ['./probe'], cwd: '/home', env: ['PATH=/bin'] } }), 'found');
    },
  },
  'fails for a program that is not there': {
    spec,
    must: 'A program that cannot be executed is an error, and no container is left.',
    check: async (bench) => {
      const bundle = bench.bundle({ process: { args: ['no-such-program'] } });
      const { code, stderr } = await bench.run(bundle);
      assert.notEqual(code, 0);
      assert.match(stderr, /no-such-program/);
      await bench.absent(bundle);
    },
  },
  'refuses a process without arguments': {
    spec,
    must: 'At least one entry of args is required.',
    check: async (bench) => {
      await bench.refused({ process: { args: [] } });
    },
  },
} satisfies Property;
