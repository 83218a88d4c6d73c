/** `hako-oci update`: other limits for a container that runs. All of them are set, or none. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { layoutOf, type CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { updateCgroup } from '../../runtime/cgroup/update.ts';
import { setSchemata } from '../../runtime/resctrl.ts';
import type { Resources } from '../../runtime/spec.ts';
import { schemataOf } from '../intel-rdt.ts';
import { applyToFiles, hierarchiesOf, placeOf } from '../cgroup-place.ts';
import { defineCommand } from '../command.ts';
import { formatJson, parseJson } from '../config/json.ts';
import { readDocument, validateResources } from '../config/read.ts';
import { because, OciError } from '../error.ts';
import type { Procedure } from '../../step/step.ts';
import type { Log } from '../log.ts';
import { StateStore } from '../state-store.ts';
import { resourcesOf, updateFlags, type UpdateValues } from '../update-flags.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  description: 'What is not named stays as it is.',
  count: [1, 1],
  flags: updateFlags,
  async run({ flags, args: [id] }, { root, log }) {
    const store = new StateStore(root);
    const record = store.read(id!);
    const resources = wanted(flags, log);
    const status = store.status(record);
    if (status === 'stopped' || status === 'creating') throw new OciError(`container not running: ${id} is ${status}`);
    const layout = layoutOf(hierarchiesOf(record.cgroup), () => false);
    const place = placeOf(record.cgroup, layout.hierarchies);
    if (place.hierarchies.length === 0) throw new OciError(`the container ${id} has no cgroup of its own, so there is nothing to set limits on`);
    const path = `${store.directory(id!)}/config.json`;
    const config = parseJson(readDocument(path, 'config.json'), 'config.json') as Config;
    const all = merged(config.linux?.resources ?? {}, resources);
    const { unit, rootless = false, resctrl } = record.cgroup;
    const schemata = schemataOf({ l3CacheSchema: flags['l3-cache-schema'], memBwSchema: flags['mem-bw-schema'] });
    if (schemata !== undefined && !resctrl) throw new OciError(`the container ${id} is in no group of resctrl, since its config.json has no linux.intelRdt`);
    const procedure = function* (limits: Resources): Procedure<readonly string[]> {
      const { warnings } = yield* updateCgroup({ ...place, layout }, limits, { strict: true });
      if (schemata !== undefined) yield* setSchemata(resctrl!.mountPoint, resctrl!.directory, schemata);
      return warnings;
    };
    const update = (limits: Resources): Promise<readonly string[]> => applyToFiles(procedure(limits));
    const warnings = unit === undefined ? await update(resources) : await updateUnit(unit, rootless, resources, all, layout, update);
    for (const warning of warnings) log.warn(warning);
    keep(path, { ...config, linux: { ...config.linux, resources: all } });
  },
});

/** What is read of a container's copy of config.json. */
interface Config {
  readonly linux?: { readonly resources?: Resources };
}

/** Sets the limits of a unit. The kernel is asked first, since it takes all or none; then systemd, which would put back the former ones. */
async function updateUnit(
  unit: string,
  rootless: boolean,
  resources: Resources,
  all: Resources,
  { mode }: CgroupLayout,
  update: (limits: Resources) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const [{ setLimits }, { roundedForSystemd }] = await Promise.all([import('../systemd/scope.ts'), import('../systemd/properties.ts')]);
  const warnings = await update(roundedForSystemd(resources, all.cpu?.period));
  try {
    await setLimits(unit, all, mode === 'v2', rootless);
  } catch (error) {
    throw new OciError(`the limits are in force, but until systemd is reloaded: ${(error as Error).message}`);
  }
  return warnings;
}

function wanted(flags: UpdateValues, log: Log): Resources {
  const { resources: file } = flags;
  const json = file ? parseJson(file === '-' ? standardInput() : readDocument(file, 'the resources'), 'the resources') : resourcesOf(flags);
  const { resources, warnings, notes } = validateResources(json);
  for (const warning of warnings) log.warn(warning);
  for (const note of notes) log.debug(note);
  if (flags['kernel-memory'] || flags['kernel-memory-tcp']) log.warn('Kernel memory settings are ignored: the kernel counts that memory to the limit of all');
  // Callers hand back what config.json has: the rules of devices, too, which are the filter's that was made at creation.
  const { devices, ...limits } = resources;
  if (devices) log.debug('the resources: devices are left as they are');
  return limits;
}

function standardInput(): string {
  try {
    return readFileSync(0, 'utf8');
  } catch (error) {
    throw new OciError(`the resources: standard input can not be read: ${because(error)}`);
  }
}

/** Of these, 0 is a value; of other numbers it says that nothing was said, as Docker and containerd write it. */
const withZero = new Set(['burst', 'idle', 'swappiness', 'classID']);

/** The limits that there were, and those that are new in their place. */
function merged(known: Resources, limits: Resources): Resources {
  const said = (group: object): object => Object.fromEntries(Object.entries(group).filter(([name, value]) => value !== 0 || withZero.has(name)));
  const groups = Object.entries(limits).map(([name, value]) => [
    name,
    isPlain(value) ? { ...(known[name as keyof Resources] as object), ...said(value) } : value,
  ]);
  return { ...known, ...Object.fromEntries(groups) };
}

/** Notes the limits in the container's copy of its configuration, so that the next one who reads it finds what is in force. */
function keep(path: string, config: Config): void {
  const fresh = `${path}.${process.pid}`;
  try {
    writeFileSync(fresh, formatJson(config), { mode: 0o600 });
    renameSync(fresh, path);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw new OciError(`the limits are in force, but could not be noted in ${path}: ${because(error)}`);
  }
}

const isPlain = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value);
