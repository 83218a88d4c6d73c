/** Limits of block devices. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { firstOf, needsController } from '../../support/needs.ts';
import { hierarchies, isUnified } from '../suite/cgroups.ts';
import type { Claim, Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxBlockIO';
const needs = (): string | false => (isUnified() ? needsController('io') : needsController('blkio'));

/** A whole disk, by its numbers. */
function disk(): { major: number; minor: number } | undefined {
  const name = readdirSync('/sys/block').find((name) => existsSync(`/sys/block/${name}/device`));
  const [major, minor] = name === undefined ? [] : readFileSync(`/sys/block/${name}/dev`, 'utf8').trim().split(':').map(Number);
  return major === undefined ? undefined : { major, minor: minor! };
}

const needsDisk = (): string | false => firstOf(needs(), disk() ? false : 'there is no disk here');

/** Whether cgroups here have one of these files; the root often does not, so one is made to look. */
function needsFile(...names: readonly string[]): string | false {
  if (needs()) return needs();
  const mount = isUnified() ? '/sys/fs/cgroup' : hierarchies().find((mount) => existsSync(join(mount, 'blkio.reset_stats')));
  const directory = join(mount!, `hako-test-conformance-look-${process.pid}`);
  mkdirSync(directory);
  const found = names.some((name) => existsSync(join(directory, name)));
  rmdirSync(directory);
  return found ? false : `cgroups have no ${names.join(' nor ')} here`;
}

function throttles(field: string, v1: string, v2: string): Claim {
  return {
    spec,
    must: `${field} limits the rate of a device.`,
    needs: needsDisk,
    check: async (bench) => {
      const device = disk()!;
      const container = await bench.create({ linux: { resources: { blockIO: { [field]: [{ ...device, rate: 123_456 }] } } } });
      const { version, text } = cgroupFile(container.pid, isUnified() ? 'io' : 'blkio', [v1, 'io.max']);
      assert.match(text, new RegExp(`^${device.major}:${device.minor} .*${version === 1 ? '' : `${v2}=`}123456\\b`, 'm'));
    },
  };
}

export default {
  weight: {
    spec,
    must: 'weight is the weight of the cgroup on all devices.',
    needs: () => needsFile('blkio.weight', 'blkio.bfq.weight', 'io.weight', 'io.bfq.weight'),
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { blockIO: { weight: 300 } } } });
      const bfq = needsFile('blkio.bfq.weight', 'io.bfq.weight') === false;
      const { text } = cgroupFile(container.pid, isUnified() ? 'io' : 'blkio', bfq ? ['blkio.bfq.weight', 'io.bfq.weight'] : ['blkio.weight', 'io.weight']);
      assert.match(text, /^(default )?(300|2\d\d\d)$/m); // io.weight is on another scale
    },
  },
  leafWeight: {
    spec,
    must: 'leafWeight is the weight among the cgroup’s children.',
    needs: () => needsFile('blkio.leaf_weight'),
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { blockIO: { leafWeight: 300 } } } });
      assert.equal(cgroupFile(container.pid, 'blkio', ['blkio.leaf_weight', '']).text, '300');
    },
  },
  throttleReadBpsDevice: throttles('throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps'),
  throttleWriteBpsDevice: throttles('throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps'),
  throttleReadIOPSDevice: throttles('throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops'),
  throttleWriteIOPSDevice: throttles('throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops'),
  'a device that there is not is an error': {
    spec: 'runtime.md#runtimeCreate',
    must: 'What cannot be applied is an error.',
    needs,
    check: async (bench) => {
      await bench.refused({ linux: { resources: { blockIO: { throttleReadBpsDevice: [{ major: 4000, minor: 1, rate: 1000 }] } } } });
    },
  },
} satisfies Property;
