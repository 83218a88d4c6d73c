/** `hako version`: which client, which engine. */
import { defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';

/** What the engine answers to `GET /version`; everything it adds is shown. */
type ServerVersion = Readonly<Record<string, unknown>>;

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    client: { kind: 'bool', help: 'Show the version of the client only; does not start the engine' },
    format: objectFormatFlag,
  },
  async run({ flags }) {
    const { clientVersion } = await import('../client-version.ts');
    const version = clientVersion();
    if (flags.client) {
      process.stdout.write(flags.format ? await formatObjects([{ Client: { Version: version } }], flags.format) : `hakobune version ${version}\n`);
      return;
    }
    const { get } = await import('../client.ts');
    const Server = await get<ServerVersion>('/version');
    const Client = { Version: version, ApiVersion: '1.50', NodeVersion: process.version, Os: process.platform, Arch: process.arch };
    if (flags.format) process.stdout.write(await formatObjects([{ Client, Server }], flags.format));
    else process.stdout.write(`${section('Client: hakobune', Client)}\n${section('Server: hakobune', Server)}`);
  },
});

function section(title: string, fields: ServerVersion): string {
  const shown = Object.entries(fields).filter(([, value]) => typeof value !== 'object' && value !== '');
  return `${title}\n${shown.map(([name, value]) => ` ${`${spaced(name)}:`.padEnd(19)}${String(value)}\n`).join('')}`;
}

/** `ApiVersion` → `API version`, `KernelVersion` → `Kernel version`. */
function spaced(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  return (words.slice(0, 1).toUpperCase() + words.slice(1)).replace(/^Api|^Os$/, (w) => (w === 'Os' ? 'OS' : 'API')).replace('Min api', 'Minimum API');
}
