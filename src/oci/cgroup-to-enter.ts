/** The cgroup that one more process of a container enters: a further program, or a hook that is run as its own. */
import { existsSync, readFileSync } from 'node:fs';
import { directoryIn, type Cgroup } from '../runtime/cgroup/cgroup.ts';
import { layoutOf } from '../runtime/cgroup/layout.ts';
import { hierarchiesOf, placeOf, placeToEnter } from './cgroup-place.ts';
import type { ContainerRecord } from './container-record.ts';
import { OciError } from './error.ts';

/** The container's cgroup, or those below it that are named. @throws OciError */
export function cgroupToEnter(record: ContainerRecord, below: readonly string[] = []): Cgroup {
  const hierarchies = hierarchiesOf(record.cgroup);
  const place = placeOf(record.cgroup, hierarchies);
  const layout = layoutOf(hierarchies, () => false);
  const resctrl = record.cgroup.resctrl?.directory;
  if (below.length === 0) return { ...placeToEnter(place, readFileSync(`/proc/${record.process!.pid}/cgroup`, 'utf8')), layout, resctrl };
  const [only, ...others] = below;
  if (others.length > 0 || only!.includes(':')) throw new OciError(`--cgroup ${below.join(', ')}: one path for all controllers is possible, not one for each`);
  const path = `${place.path}/${only!.replace(/^\/+/, '')}`;
  if (only!.split('/').includes('..')) throw new OciError(`--cgroup ${only}: it is to be below the container's own`);
  const missing = place.hierarchies.find((h) => !existsSync(directoryIn(h, path)));
  if (missing) throw new OciError(`--cgroup ${only}: there is no cgroup ${path} in ${missing.mountPoint}`);
  return { layout, path, hierarchies: place.hierarchies, resctrl };
}
