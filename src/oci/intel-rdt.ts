/**
 * linux.intelRdt: which group of resctrl a container's processes are in, and with what shares of caches and of memory bandwidth.
 * runtime-spec config-linux.md "IntelRdt"; the kernel's Documentation/filesystems/resctrl.rst.
 */
import { existsSync } from 'node:fs';
import { readText } from '../kernel/cgroupfs.ts';
import { readMountinfo } from '../kernel/mountinfo.ts';
import { makeGroup, type ResctrlGroup } from '../runtime/resctrl.ts';
import type { IntelRdt } from '../runtime/spec.ts';
import type { Procedure } from '../step/step.ts';
import type { MadeCgroup } from './cgroup-making.ts';
import { OciError } from './error.ts';

/** Where resctrl is mounted; undefined where it is not. */
const findResctrl = (): string | undefined => readMountinfo().find(({ type, root }) => type === 'resctrl' && root === '/')?.mountPoint;

/**
 * The container's group; undefined where the configuration does not ask for one.
 * @param mountPoint of resctrl
 * @throws OciError where the machine has no resctrl, or not what is asked of it, or the group that is named has other shares
 */
export function groupOf(intelRdt: IntelRdt | undefined, id: string, mountPoint: () => string | undefined = findResctrl): ResctrlGroup | undefined {
  if (!intelRdt) return undefined;
  const at = mountPoint();
  if (at === undefined)
    throw new OciError(
      'linux.intelRdt: Intel RDT is not enabled on this machine, since no resctrl is mounted: leave linux.intelRdt out, or: mount -t resctrl resctrl /sys/fs/resctrl',
    );
  refuseMonitoring(intelRdt, at);
  const { closID } = intelRdt;
  const directory = `${at}/${closID ?? id}`;
  const schemata = schemataOf(intelRdt);
  const group = { mountPoint: at, directory, isOwn: closID === undefined };
  if (closID === undefined || !existsSync(directory)) {
    if (closID !== undefined && schemata === undefined)
      throw new OciError(`linux.intelRdt.closID: there is no group ${directory}: make it first, or say by l3CacheSchema or memBwSchema what it is to have`);
    return { ...group, isNew: true, ...(schemata !== undefined && { schemata }) };
  }
  const there = readText(`${directory}/schemata`) ?? '';
  const other = schemata?.split('\n').find((line) => !hasShares(there, line));
  if (other !== undefined)
    throw new OciError(
      `linux.intelRdt.closID: the group ${directory} is there already, and has other shares than ${other}: name another, or leave the schemas out`,
    );
  return { ...group, isNew: false };
}

/** The lines to be written: a line of memory bandwidth in the cache's schema gives way to its own. */
export function schemataOf({ l3CacheSchema, memBwSchema }: { readonly [K in 'l3CacheSchema' | 'memBwSchema']?: string | undefined }): string | undefined {
  const caches = (l3CacheSchema ?? '').split('\n').filter((line) => line.trim() !== '' && !(memBwSchema && line.trim().startsWith('MB:')));
  const lines = [...caches, ...(memBwSchema ? [memBwSchema] : [])];
  return lines.length > 0 ? lines.join('\n') : undefined;
}

/** Makes the cgroup, and the group of resctrl that its processes are to be in, too. */
export function* withGroup(make: () => Procedure<MadeCgroup>, group: ResctrlGroup): Procedure<MadeCgroup> {
  const made = yield* make();
  yield* makeGroup(group);
  return { ...made, cgroup: { ...made.cgroup, resctrl: group.directory } };
}

/** Monitoring is there for every group where the processor has it. */
function refuseMonitoring({ enableCMT, enableMBM }: IntelRdt, mountPoint: string): void {
  const features = (readText(`${mountPoint}/info/L3_MON/mon_features`) ?? '').split(/\s+/);
  const refuse = (name: string, what: string): never => {
    throw new OciError(`linux.intelRdt.${name}: this machine's processor does not monitor ${what}: leave it out`);
  };
  if (enableCMT && !features.includes('llc_occupancy')) refuse('enableCMT', 'the occupancy of its caches');
  if (enableMBM && !features.some((feature) => /^mbm_(total|local)_bytes$/.test(feature))) refuse('enableMBM', 'memory bandwidth');
}

/** Whether a group has the shares of a line. The kernel pads what it shows, and names domains that a line may leave out. */
function hasShares(schemata: string, line: string): boolean {
  const asked = sharesOf(line);
  const there = schemata
    .split('\n')
    .map(sharesOf)
    .find(({ resource }) => resource === asked.resource);
  return there !== undefined && [...asked.shares].every(([domain, share]) => there.shares.get(domain) === share);
}

/** `L3:0=7f0;1=1f`: capacity masks are hexadecimal, bandwidths are not. */
function sharesOf(line: string): { readonly resource: string; readonly shares: ReadonlyMap<number, number> } {
  const [resource = '', list = ''] = line.trim().split(':');
  const shares = list.split(';').map((entry): [number, number] => {
    const [domain, share] = entry.split('=').map((part) => part.trim());
    return [Number(domain), parseInt(share ?? '', /^(MB|SMBA)/.test(resource) ? 10 : 16)];
  });
  return { resource: resource.trim(), shares: new Map(shares) };
}
