/** `hako lab status`: what a lab is in the kernel, and how much of its ceilings it uses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findLab, noted, type Lab } from '../../lab/lab.ts';
import { labProcesses } from '../../lab/processes.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand } from '../command.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { nameFlag, nameOf, noLab, withLab } from '../lab-flags.ts';
import { bytesText } from '../../element/cgroup/meanings.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { name: nameFlag, format: jsonFormatFlag },
  async run({ flags }) {
    const name = nameOf(flags.name);
    const lab = await withLab(() => findLab(name) ?? Promise.reject(noLab(name, noted(name))));
    const processes = labProcesses(lab.pid);
    const first = processes.find(({ pid }) => pid === lab.pid);
    const about = {
      name: lab.name,
      pid: lab.pid,
      realRoot: lab.realRoot,
      hostId: lab.hostId,
      processes: processes.length,
      memory: figures(lab, 'memory', ['memory.usage_in_bytes', 'memory.limit_in_bytes'], ['memory.current', 'memory.max']),
      pids: figures(lab, 'pids', ['pids.current', 'pids.max'], ['pids.current', 'pids.max']),
      namespaces: first?.namespaces ?? {},
      cgroups: lab.cgroups.map(({ controllers, version, path }) => ({ version, controllers, path })),
      directory: lab.directory,
    };
    if (asksForJson(flags.format)) {
      process.stdout.write(`${JSON.stringify(about)}\n`);
      return;
    }
    const of = (pair: readonly [number, number] | undefined, text: (n: number) => string): string =>
      pair === undefined ? 'no ceiling (no cgroup)' : `${text(pair[0])} of ${Number.isFinite(pair[1]) ? text(pair[1]) : 'no limit'}`;
    process.stdout.write(
      alignColumns([
        ['Lab', lab.name],
        ['Process', `${lab.pid} here, 1 in the lab`],
        ['Root', lab.realRoot ? "the machine's root, behind a device list" : `user ${lab.hostId} of the machine, in a user namespace`],
        ['Processes', of(about.pids, String)],
        ['Memory', of(about.memory, bytesText)],
        ['Cgroups', lab.cgroups.length === 0 ? 'none: this user is given none' : lab.cgroups[0]!.path],
        [
          'Namespaces',
          Object.entries(about.namespaces)
            .map(([type, inode]) => `${type} ${inode}`)
            .join(', '),
        ],
      ]),
    );
  },
});

/** Use and ceiling. */
function figures({ cgroups }: Lab, controller: string, v1: readonly [string, string], v2: readonly [string, string]): readonly [number, number] | undefined {
  const hierarchy = cgroups.find(({ controllers }) => controllers.includes(controller));
  if (!hierarchy) return undefined;
  const read = (file: string): number => Number(readFileSync(join(hierarchy.path, file), 'utf8').trim().replace('max', 'Infinity'));
  const [use, ceiling] = hierarchy.version === 1 ? v1 : v2;
  return [read(use), read(ceiling)];
}
