/** `hako volume create`: a volume, named or with a name made up. */
import type { VolumeInspect } from '../../api/schema.ts';
import { post } from '../client.ts';
import { defineCommand } from '../command.ts';
import { keyValues } from '../key-value.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [VOLUME]'],
  count: [0, 1],
  flags: {
    driver: { kind: 'string', short: 'd', help: 'Specify volume driver name', default: 'local' },
    label: { kind: 'list', help: 'Set metadata for a volume' },
    name: { kind: 'string', help: 'Specify volume name' },
    opt: { kind: 'list', short: 'o', placeholder: 'map', help: 'Set driver specific options' },
  },
  async run({ flags, args: [name] }) {
    const body = { Name: name ?? flags.name ?? '', Driver: flags.driver ?? 'local', DriverOpts: keyValues(flags.opt), Labels: keyValues(flags.label) };
    const { Name } = await post<VolumeInspect>('/volumes/create', {}, body);
    process.stdout.write(`${Name}\n`);
  },
});
