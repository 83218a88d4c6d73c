/** User and group id maps of a new user namespace, written by the engine while the process waits. See user_namespaces(7). */
import { call, result, type Known } from '../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import type { IdMapping, LinuxSpec } from './spec.ts';

/** One step for each map. */
export function idMapSteps(pid: Known, linux: LinuxSpec): Step[] {
  const map = (file: 'uid_map' | 'gid_map', mappings: readonly IdMapping[]): Step => {
    const path = `/proc/${pid}/${file}`;
    const text = mappings.map((m) => `${m.containerID} ${m.hostID} ${m.size}`).join('\n') + '\n';
    const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'map' });
    return {
      id: file === 'uid_map' ? 'user.uid-map' : 'user.gid-map',
      what: `Map its ${file === 'uid_map' ? 'user' : 'group'} ids to the host's`,
      calls: [open, call('write', [result(open), Buffer.from(text), text.length]), call('close', [result(open)])],
      shell: `printf '${text.replaceAll('\n', '\\n')}' > ${path}`,
      look: `cat ${path}`,
    };
  };
  return [...(linux.uidMappings?.length ? [map('uid_map', linux.uidMappings)] : []), ...(linux.gidMappings?.length ? [map('gid_map', linux.gidMappings)] : [])];
}
