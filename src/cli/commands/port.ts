/** `hako port`: where a container's ports are published. */
import type { ContainerInspect } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['CONTAINER [PRIVATE_PORT[/PROTO]]'],
  count: [1, 2],
  completes: ['running'],
  flags: {},
  async run({ args: [name = '', wanted] }) {
    const { NetworkSettings } = await get<ContainerInspect>(`/containers/${segment(name)}/json`);
    const ports = Object.entries(NetworkSettings.Ports ?? {});
    const address = ({ HostIp, HostPort }: { HostIp: string; HostPort: string }): string => `${HostIp.includes(':') ? `[${HostIp}]` : HostIp}:${HostPort}`;
    if (wanted === undefined) {
      const lines = ports.flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${address(binding)}\n`));
      process.stdout.write(lines.toSorted((a, b) => parseInt(a) - parseInt(b)).join(''));
      return;
    }
    const port = wanted.includes('/') ? wanted.toLowerCase() : `${wanted}/tcp`;
    const bindings = ports.find(([key]) => key === port)?.[1];
    if (!bindings?.length) throw new CommandError(`no public port '${port}' published for ${name}`);
    process.stdout.write(bindings.map((binding) => `${address(binding)}\n`).join(''));
  },
});
