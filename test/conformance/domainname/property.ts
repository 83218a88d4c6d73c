/** The NIS domain name that the container has in its UTS namespace. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configDomainname';
const file = '/proc/sys/kernel/domainname';

export default {
  'is seen by the program': {
    spec,
    must: 'domainname is what processes in the container are told, and the host keeps its own.',
    check: async (bench) => {
      const before = readFileSync(file, 'utf8');
      assert.equal(await bench.report({ script: `cat ${file}`, config: { ociVersion: '1.1.0', domainname: 'bloomsbury.test' } }), 'bloomsbury.test');
      assert.equal(readFileSync(file, 'utf8'), before);
    },
  },
} satisfies Property;
