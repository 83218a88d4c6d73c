/** The environment of the container's process. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configProcess';
const args = ['/bin/env'];

export default {
  'is what env says': {
    spec,
    must: 'env has the meaning of environ: each string is there as it is, the empty value and those with = and line breaks, too.',
    check: async (bench) => {
      const env = ['PATH=/bin', 'HOME=/home', 'EMPTY=', 'EQUALS=a=b=c', 'SPACES= a  b ', 'WORD=箱舟'];
      assert.deepEqual((await bench.report({ process: { args, env } })).split('\n').sort(), env.toSorted());
      assert.equal(await bench.report({ script: 'printf %s "$TEXT"', process: { env: ['PATH=/bin', 'TEXT=a\nb'] } }), 'a\nb');
    },
  },
  'has nothing of the caller’s': {
    spec,
    must: 'What is not in env is not in the environment, but for a HOME that runtimes derive from the user.',
    check: async (bench) => {
      const text = await bench.report({ process: { args, env: ['PATH=/bin'] } }, { env: { OF_THE_CALLER: 'x' } });
      assert.deepEqual(
        text.split('\n').filter((line) => !line.startsWith('HOME=')),
        ['PATH=/bin'],
      );
    },
  },
  'may be absent': {
    spec,
    must: 'env is optional.',
    check: async (bench) => {
      await bench.report({ process: { env: undefined, args: ['/bin/true'] } });
    },
  },
} satisfies Property;
