/**
 * A container's cgroup by systemd: a scope unit, whose cgroup is delegated to us. A scope needs a process, and the container's is to
 * be born in its cgroup: until then another one, which does nothing, holds the place.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { findCgroup } from '../../runtime/cgroup/cgroup.ts';
import { parseOwnCgroups, titleOf, type CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { makeCgroup, deviceRules, type CgroupRequest, type PreparedCgroup } from '../cgroup-making.ts';
import type { CgroupRecord } from '../container-record.ts';
import { OciError } from '../error.ts';
import { deviceProperties } from './device-properties.ts';
import { Manager, type Property } from './manager.ts';
import { annotatedProperties, limitProperties, roundedForSystemd } from './properties.ts';
import { moveWithinReach, pids } from './scope.ts';
import { unitPlace, type UnitPlace } from './unit-name.ts';
import { Variant } from './wire.ts';

/** @throws OciError when systemd can not be reached, or the path names no unit */
export async function prepareScope(request: CgroupRequest, layout: CgroupLayout): Promise<PreparedCgroup> {
  const { rootless } = request;
  const place = unitPlace(request.cgroupsPath, request.id, rootless);
  const manager = await Manager.connect(rootless);
  let record: CgroupRecord;
  let properties: Property[];
  try {
    // A user's manager, and one in a container, has a cgroup of its own that all of its units are below.
    const base = (await manager.property('ControlGroup')).replace(/\/$/, '');
    properties = await scopeProperties(request, place, layout, manager);
    const path = base + place.path;
    const hierarchies = rootless ? layout.hierarchies.filter((h) => h.version === 2) : layout.hierarchies;
    record = { driver: 'systemd', path, unit: place.unit, hierarchies: hierarchies.map(titleOf), ...(rootless && { rootless }) };
  } catch (error) {
    manager.close();
    throw error;
  }
  const holder = new PlaceHolder();
  let started = false; // a unit that was there before is somebody else's
  return {
    record,
    async begin() {
      await manager.startTransientUnit(place.unit, [...properties, pids(await holder.start())]);
      started = true;
      holder.mustBeIn(record.path);
      if (rootless) await moveWithinReach(manager, { path: record.path, hierarchies: layout.hierarchies });
    },
    make: () =>
      makeCgroup(
        layout,
        record,
        { ...request, resources: roundedForSystemd(request.resources ?? {}) },
        findCgroup(layout, record.path)?.hierarchies ?? [], // what systemd has made
      ),
    async settle() {
      holder.end();
      manager.close();
    },
    async abandon() {
      holder.end();
      if (started) await manager.stopUnit(place.unit);
      manager.close();
    },
  };
}

const yes = new Variant('b', true);

async function scopeProperties(request: CgroupRequest, { slice }: UnitPlace, layout: CgroupLayout, manager: Manager): Promise<Property[]> {
  const { id, resources = {}, annotations } = request;
  const unified = layout.mode === 'v2';
  return [
    ['Description', new Variant('s', `hako-oci container ${id}`)],
    ['Slice', new Variant('s', slice)],
    ['Delegate', yes],
    ['MemoryAccounting', yes],
    ['CPUAccounting', yes],
    [unified ? 'IOAccounting' : 'BlockIOAccounting', yes],
    ['TasksAccounting', yes],
    ['DefaultDependencies', new Variant('b', false)],
    ...annotatedProperties(annotations),
    ...(request.rootless ? [] : deviceProperties(deviceRules(resources))),
    ...limitProperties(resources, unified, await manager.version()),
  ];
}

/** The process that is in the scope until the container's is. It ends when its standard input does: also when this process dies. */
class PlaceHolder {
  #process: ChildProcess | undefined;

  async start(): Promise<number> {
    const { spawn } = await import('node:child_process'); // as bus.ts: only who needs it loads it
    const child = spawn('/bin/sh', ['-c', 'read end'], { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#process = child;
    return new Promise((resolve, reject) => {
      child.once('spawn', () => resolve(child.pid!));
      child.once('error', (error) => reject(new OciError(`a process to hold the scope's place could not be started: ${error.message}`)));
    });
  }

  /** @throws OciError when systemd has made the cgroup elsewhere */
  mustBeIn(path: string): void {
    const cgroups = parseOwnCgroups(readFileSync(`/proc/${this.#process!.pid}/cgroup`, 'utf8'));
    const found = [cgroups.get(''), cgroups.get('name=systemd')];
    if (!found.includes(path))
      throw new OciError(`systemd has made the container's cgroup as ${found.find((one) => one && one !== '/') ?? 'none'}, and not as ${path}`);
  }

  end(): void {
    this.#process?.stdin?.destroy();
    this.#process?.unref();
  }
}
