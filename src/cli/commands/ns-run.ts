/** `hako ns run`: runs a command in new namespaces. */
import { runInNew } from '../../element/ns/run.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { namespaceFlags, namespaceTypes } from '../namespace-flags.ts';
import { ownEnvironment } from '../own-environment.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [COMMAND] [ARG...]'],
  description: 'Without a command: $SHELL, else sh. Exits with the code of the command.',
  count: [0, Infinity],
  ownsRest: true,
  flags: {
    ...namespaceFlags('Make a new'),
    all: { kind: 'bool', short: 'a', help: 'Make new namespaces of all types but time' },
    'map-root-user': { kind: 'bool', short: 'r', help: 'Be root in the new user namespace; implies --user' },
    'map-current-user': { kind: 'bool', short: 'c', help: 'Be oneself in the new user namespace; implies --user' },
    'uid-map': { kind: 'list', placeholder: 'inside:outside:count', help: 'Users that the new user namespace knows; implies --user' },
    'gid-map': { kind: 'list', placeholder: 'inside:outside:count', help: 'Groups that it knows; implies --user' },
    monotonic: { kind: 'int', placeholder: 'seconds', help: 'Set its monotonic clock ahead; implies --time' },
    boottime: { kind: 'int', placeholder: 'seconds', help: 'Set its clock since boot ahead; implies --time' },
    'mount-proc': { kind: 'bool', help: 'Mount a new procfs over /proc; implies --mount' },
    explain: explainFlag,
  },
  async run({ flags, args }) {
    const types = namespaceTypes(flags);
    if (flags.all) for (const type of ['user', 'mnt', 'pid', 'uts', 'ipc', 'net', 'cgroup'] as const) types.add(type);
    const single = (inside: number, outside: number) => [{ containerID: inside, hostID: outside, size: 1 }];
    const [uid, gid] = [process.geteuid!(), process.getegid!()];
    const root = flags['map-root-user'] || (flags.all && !flags['map-current-user'] && flags['uid-map'].length === 0);
    if (root && flags['map-current-user']) throw new UsageError('conflicting options: cannot specify both --map-root-user and --map-current-user');
    if ((root || flags['map-current-user']) && flags['uid-map'].length + flags['gid-map'].length > 0)
      throw new UsageError('conflicting options: --map-root-user and --map-current-user are whole maps; --uid-map and --gid-map are others');
    const uidMappings = root ? single(0, uid) : flags['map-current-user'] ? single(uid, uid) : flags['uid-map'].map(parseMap);
    const gidMappings = root ? single(0, gid) : flags['map-current-user'] ? single(gid, gid) : flags['gid-map'].map(parseMap);
    if (uidMappings.length + gidMappings.length > 0) types.add('user');
    const offsets = Object.fromEntries((['monotonic', 'boottime'] as const).flatMap((clock) => (flags[clock] === undefined ? [] : [[clock, flags[clock]]])));
    if (Object.keys(offsets).length > 0) types.add('time');
    if (flags['mount-proc']) types.add('mnt');
    const words = args[0] === '--' ? args.slice(1) : args;
    const env = ownEnvironment();
    const plan = { types, uidMappings, gidMappings, offsets, proc: flags['mount-proc'], args: words.length ? words : [process.env['SHELL'] || 'sh'], env };
    return (await take(runInNew(plan), flags.explain)) ?? 0;
  },
});

/** `0:100000:65536`. @throws UsageError */
function parseMap(text: string): { readonly containerID: number; readonly hostID: number; readonly size: number } {
  const [, inside, outside, size] = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(text) ?? [];
  if (size === undefined) throw new UsageError(`invalid id map "${text}": it has the form INSIDE:OUTSIDE:COUNT, such as 0:100000:65536`);
  return { containerID: Number(inside), hostID: Number(outside), size: Number(size) };
}
