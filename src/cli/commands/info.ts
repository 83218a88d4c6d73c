/** `hako info`: the engine and the machine it runs on. */
import type { Info } from '../../api/schema.ts';
import { get } from '../client.ts';
import { defineCommand } from '../command.ts';
import { warn } from '../create-container.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { binarySize } from '../units.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { format: objectFormatFlag },
  async run({ flags }) {
    const info = await get<Info>('/info');
    if (flags.format) {
      process.stdout.write(await formatObjects([info], flags.format));
      return;
    }
    process.stdout.write(infoText(info));
    for (const warning of info.Warnings ?? []) warn(warning.replace(/^WARNING: /, ''));
  },
});

function infoText(info: Info): string {
  const lines: (readonly [string, unknown])[] = [
    ['Containers', info.Containers],
    [' Running', info.ContainersRunning],
    [' Paused', info.ContainersPaused],
    [' Stopped', info.ContainersStopped],
    ['Images', info.Images],
    ['Server Version', info.ServerVersion],
    ['Storage Driver', info.Driver],
    ...(info.DriverStatus ?? []).map(([name, value]) => [` ${name}`, value] as const),
    ['Logging Driver', info.LoggingDriver],
    ['Cgroup Driver', info.CgroupDriver],
    ['Cgroup Version', info.CgroupVersion],
    ['Runtimes', Object.keys(info.Runtimes ?? {}).join(' ')],
    ['Default Runtime', info.DefaultRuntime],
    ['Security Options', (info.SecurityOptions ?? []).join(' ')],
    ['Kernel Version', info.KernelVersion],
    ['Operating System', info.OperatingSystem],
    ['OSType', info.OSType],
    ['Architecture', info.Architecture],
    ['CPUs', info.NCPU],
    ['Total Memory', info.MemTotal === undefined ? undefined : binarySize(info.MemTotal)],
    ['Name', info.Name],
    ['ID', info.ID],
    ['Root Dir', info.DockerRootDir],
  ];
  return lines
    .filter(([, value]) => value !== undefined && value !== '')
    .map(([name, value]) => `${name}: ${String(value)}\n`)
    .join('');
}
