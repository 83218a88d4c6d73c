/** The block I/O controller: blkio in v1, io in v2. Documentation/admin-guide/cgroup-v1/blkio-controller.rst; cgroup-v2.rst, "IO". */
import { readdirSync } from 'node:fs';
import { readText } from '../../../kernel/cgroupfs.ts';
import type { Resources, Throttle } from '../../spec.ts';
import { blkioWeightToIoWeight } from '../convert.ts';
import { noController, type Files, type Plan, type PlanLimits } from './controller.ts';

type BlockIO = NonNullable<Resources['blockIO']>;

/** The four ceilings: field of the specification, v1 file, key in v2's io.max, unit. */
const throttles = [
  { field: 'throttleReadBpsDevice', v1: 'blkio.throttle.read_bps_device', v2: 'rbps', unit: 'bytes/s read' },
  { field: 'throttleWriteBpsDevice', v1: 'blkio.throttle.write_bps_device', v2: 'wbps', unit: 'bytes/s written' },
  { field: 'throttleReadIOPSDevice', v1: 'blkio.throttle.read_iops_device', v2: 'riops', unit: 'reads/s' },
  { field: 'throttleWriteIOPSDevice', v1: 'blkio.throttle.write_iops_device', v2: 'wiops', unit: 'writes/s' },
] as const;

export const planIo: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  const { blockIO } = resources;
  const throttled = throttles.some(({ field }) => blockIO?.[field]?.length);
  if (!blockIO || (!throttled && !blockIO.weight && !blockIO.leafWeight && !blockIO.weightDevice?.length)) return plan;
  if (version === undefined) {
    plan.unmet.push(noController('block I/O', 'Block I/O limits'));
    return plan;
  }
  planWeights(version, blockIO, files, plan);
  planLeafWeights(version, blockIO, files, plan);
  if (throttled && !files.has(version === 1 ? 'blkio.throttle.read_bps_device' : 'io.max')) {
    plan.unmet.push('Block I/O ceilings will not be in force: this kernel has none (CONFIG_BLK_DEV_THROTTLING)');
  } else if (version === 1) {
    for (const { field, v1, unit } of throttles) {
      for (const { major, minor, rate } of blockIO[field] ?? []) {
        plan.writes.push({ file: v1, value: `${major}:${minor} ${rate}`, what: ceilingText({ major, minor, rate }, unit) });
      }
    }
  } else {
    // One line per device holds all four; a rate of 0 means no ceiling, which v2 calls max.
    const devices = new Map<string, string[]>();
    for (const { field, v2 } of throttles) {
      for (const { major, minor, rate } of blockIO[field] ?? []) {
        const device = `${major}:${minor}`;
        devices.set(device, [...(devices.get(device) ?? []), `${v2}=${rate || 'max'}`]);
      }
    }
    for (const [device, keys] of devices)
      plan.writes.push({ file: 'io.max', value: `${device} ${keys.join(' ')}`, what: `Set ceilings of its I/O on device ${device}` });
  }
  return plan;
};

const ceilingText = ({ major, minor, rate }: Throttle, unit: string): string =>
  rate ? `Let it have at most ${rate} ${unit} on device ${major}:${minor}` : `Lift its ceiling of ${unit} on device ${major}:${minor}`;

/** Weights: by BFQ's own file if the kernel has it (v1's range of 10 to 1000 holds there too), else v2's io.weight. */
function planWeights(version: 1 | 2, blockIO: BlockIO, files: Files, plan: Plan): void {
  const { weight } = blockIO;
  const weightDevice = (blockIO.weightDevice ?? []).flatMap((device) => (device.weight ? [{ ...device, weight: device.weight }] : []));
  if (!weight && weightDevice.length === 0) return;
  const prefix = version === 1 ? 'blkio' : 'io';
  const bfq = files.has(`${prefix}.bfq.weight`);
  const file = bfq ? `${prefix}.bfq.weight` : `${prefix}.weight`;
  if (!bfq && !files.has(file)) {
    plan.unmet.push(`Block I/O weights will not be in force: this kernel has no ${prefix}.bfq.weight and no ${prefix}.weight`);
    return;
  }
  if (bfq && !someDeviceUsesBfq()) {
    plan.warnings.push('Block I/O weights have no effect until a block device uses the bfq scheduler (/sys/block/DEVICE/queue/scheduler)');
  }
  if (!bfq && version === 2 && !files.readRoot('io.cost.qos')?.includes('enable=1')) {
    plan.warnings.push('Block I/O weights have no effect until the cost model is enabled for a block device (io.cost.qos of the root cgroup)');
  }
  const convert = (w: number): number => (version === 2 && !bfq ? blkioWeightToIoWeight(w) : w);
  if (weight) plan.writes.push({ file, value: String(convert(weight)), what: `Give it a weight of ${weight} in block I/O (10 to 1000)` });

  const deviceFile = version === 1 ? `${file}_device` : file;
  if (weightDevice.length > 0 && !files.has(deviceFile)) {
    plan.unmet.push(`Block I/O weights by device will not be in force: this kernel has no ${deviceFile}`);
    return;
  }
  for (const { major, minor, weight: ofDevice } of weightDevice) {
    if (ofDevice === undefined) continue;
    const name = `${major}:${minor}`;
    plan.writes.push({
      file: deviceFile,
      value: `${name} ${convert(ofDevice)}`,
      what: `Give it a weight of ${ofDevice} in block I/O on device ${name}`,
    });
  }
}

/** Weights against the cgroups below: of CFQ, the scheduler that Linux 5.0 took out. */
function planLeafWeights(version: 1 | 2, { leafWeight, weightDevice = [] }: BlockIO, files: Files, plan: Plan): void {
  const devices = weightDevice.flatMap((device) => (device.leafWeight ? [{ name: `${device.major}:${device.minor}`, weight: device.leafWeight }] : []));
  if (!leafWeight && devices.length === 0) return;
  if (version === 2 || !files.has('blkio.leaf_weight')) {
    plan.unmet.push('Block I/O leaf weights will not be in force: they need cgroup v1 and a kernel before 5.0, which has blkio.leaf_weight');
    return;
  }
  const of = 'in block I/O against the cgroups below it';
  if (leafWeight) plan.writes.push({ file: 'blkio.leaf_weight', value: String(leafWeight), what: `Give it a weight of ${leafWeight} ${of}` });
  for (const { name, weight } of devices)
    plan.writes.push({ file: 'blkio.leaf_weight_device', value: `${name} ${weight}`, what: `Give it a weight of ${weight} ${of}, on device ${name}` });
}

/** The active scheduler is in brackets: `none mq-deadline [bfq]`. */
function someDeviceUsesBfq(): boolean {
  try {
    return readdirSync('/sys/block').some((device) => readText(`/sys/block/${device}/queue/scheduler`)?.includes('[bfq]'));
  } catch {
    return false;
  }
}
