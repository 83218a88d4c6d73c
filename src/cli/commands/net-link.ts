/** `hako net link`: switches an interface on or off, plugs it into a bridge, or deletes it. */
import { plug, removeLink, setMtu, switchLink, unplug } from '../../element/net/links.ts';
import { at } from '../../element/net/site.ts';
import { parseInterface } from '../../element/net/words.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] INTERFACE'],
  count: [1, 1],
  flags: {
    bridge: { kind: 'string', help: 'Plug it into this bridge; none takes it out', placeholder: 'bridge' },
    down: { kind: 'bool', help: 'Switch it off' },
    explain: explainFlag,
    mtu: { kind: 'int', help: 'Largest packet that it carries, in bytes' },
    ns: namespaceFlag,
    rm: { kind: 'bool', help: 'Delete it; the other end of a pair goes with it' },
    up: { kind: 'bool', help: 'Switch it on' },
  },
  async run({ flags, args }) {
    if (!flags.up && !flags.down && !flags.rm && flags.bridge === undefined && flags.mtu === undefined)
      throw new UsageError('nothing to do: give --up, --down, --bridge, --mtu or --rm');
    if (flags.mtu !== undefined && (flags.mtu < 1 || flags.mtu > 0x7fffffff))
      throw new UsageError(`invalid argument "${flags.mtu}" for "--mtu" flag: it must be from 1 to 2147483647 bytes`);
    if (flags.up && flags.down) throw new UsageError('--up and --down exclude each other');
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const name = parseInterface(args[0]!);
      return at(find(flags.ns), function* (site) {
        if (flags.rm) yield* removeLink(site, name);
        if (flags.mtu !== undefined) yield* setMtu(site, name, flags.mtu);
        if (flags.bridge !== undefined) yield* flags.bridge === 'none' ? unplug(site, name) : plug(site, name, parseInterface(flags.bridge));
        if (flags.up || flags.down) yield* switchLink(site, name, flags.up);
      });
    }, flags.explain);
  },
});
