/** Limits of huge pages. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { needsController } from '../../support/needs.ts';
import { isErrorWithout } from '../suite/missing-controller.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxHugePageLimits';

/** A size of huge pages that the kernel has, in bytes and as the limits name it. */
function pageSize(): { bytes: number; name: string } {
  const kilobytes = Number(/(\d+)kB/.exec(readdirSync('/sys/kernel/mm/hugepages')[0]!)![1]);
  const [size, unit] = kilobytes >= 1 << 20 ? [kilobytes >> 20, 'GB'] : kilobytes >= 1024 ? [kilobytes >> 10, 'MB'] : [kilobytes, 'KB'];
  return { bytes: kilobytes * 1024, name: `${size}${unit}` };
}

export default {
  'are limited': {
    spec,
    must: 'limit is the most bytes of pages of pageSize.',
    needs: () => needsController('hugetlb'),
    check: async (bench) => {
      const { bytes, name } = pageSize();
      const container = await bench.create({ linux: { resources: { hugepageLimits: [{ pageSize: name, limit: 3 * bytes }] } } });
      assert.equal(cgroupFile(container.pid, 'hugetlb', [`hugetlb.${name}.limit_in_bytes`, `hugetlb.${name}.max`]).text, String(3 * bytes));
    },
  },
  'are an error where they cannot be limited': isErrorWithout(['hugetlb'], { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] }),
} satisfies Property;
