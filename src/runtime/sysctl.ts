/**
 * Kernel parameters of a container (`--sysctl`): only those that belong to a namespace of its own, since all others
 * are the machine's. See proc(5), namespaces(7).
 */
import { call, result, type Arg } from '../kernel/call.ts';
import { AT_FDCWD, openFlags, resolveFlags } from '../kernel/flags.ts';
import { word } from '../step/shell.ts';
import type { Step } from '../step/step.ts';
import { openHow } from './rootfs/mount-steps.ts';
import type { NamespaceType } from './spec.ts';

/** A parameter that cannot be set. */
class SysctlError extends Error {
  override readonly name = 'SysctlError';
}

const ipcKeys: ReadonlySet<string> = new Set([
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
]);

/** The namespace that a parameter belongs to; undefined for the machine's own. */
function namespaceOf(key: string): NamespaceType | undefined {
  if (ipcKeys.has(key) || key.startsWith('fs.mqueue.')) return 'ipc';
  if (key.startsWith('net.')) return 'network';
  return key === 'kernel.domainname' ? 'uts' : undefined;
}

/**
 * Checks parameters before anything is done.
 * @param own the kinds of namespace that the container does not share with the host
 * @throws SysctlError naming the parameter, and why it cannot be set
 */
export function validateSysctls(sysctls: Readonly<Record<string, string>>, own: ReadonlySet<NamespaceType>): void {
  for (const [key, value] of Object.entries(sysctls)) {
    if (key === 'kernel.hostname') throw new SysctlError("sysctl 'kernel.hostname' is not allowed: use --hostname");
    const namespace = namespaceOf(key);
    // A name is parts of plain characters with dots between: nothing that leads out of /proc/sys, or that a list of them could split at.
    if (!namespace || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/.test(key)) {
      throw new SysctlError(
        `sysctl '${key}' is not allowed: only net.*, fs.mqueue.*, kernel.domainname and the kernel.msg*, kernel.sem and kernel.shm* of System V IPC belong to a container`,
      );
    }
    if (!own.has(namespace)) throw new SysctlError(`sysctl '${key}' is not allowed in the host's ${namespace} namespace: it would change the machine's own`);
    if (value.length > 1024 || !/^[\x20-\x7e\t]*$/.test(value) || /[+/]|\.\./.test(value)) {
      throw new SysctlError(`sysctl '${key}' has a value that is not allowed: one line of printable characters without '+', '/' and '..'`);
    }
  }
}

/** The file of a parameter below /proc/sys: a dot is a slash, and a slash a dot, as sysctl(8) has it: `net.ipv4.conf.eth0/5.rp_filter`. */
export const sysctlFile = (key: string): string => key.replace(/[./]/g, (c) => (c === '.' ? '/' : '.'));

/**
 * The steps that set parameters, in the namespaces of the process that takes them.
 * @param procfd a descriptor of a mounted procfs, whose type its holder has checked: a path could be the image's own. Absent: the
 * container mounts none, and the process does it by the host's, which shows each process the parameters of its own namespaces
 */
export function sysctlSteps(sysctls: Readonly<Record<string, string>>, procfd: Arg | undefined): Step[] {
  return Object.entries(sysctls).map(([key, value]) => {
    const hosts = call('openat', [AT_FDCWD, '/proc', openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'procfd' });
    // Nor anything that a volume put over a part of it, whose links would lead out while the host's root is still the root.
    const how = openHow(
      openFlags.O_WRONLY | openFlags.O_CLOEXEC,
      resolveFlags.RESOLVE_NO_XDEV | resolveFlags.RESOLVE_NO_SYMLINKS | resolveFlags.RESOLVE_BENEATH,
    );
    const open = call('openat2', [procfd ?? result(hosts), `sys/${sysctlFile(key)}`, how, 24], { label: 'sysctlfd' });
    const bytes = new TextEncoder().encode(value);
    const calls = [open, call('write', [result(open), bytes, bytes.length]), call('close', [result(open)])];
    return {
      id: 'sysctl.write',
      what: `Set ${key} to ${value}`,
      calls: procfd === undefined ? [hosts, ...calls, call('close', [result(hosts)])] : calls,
      shell: `printf %s ${word(value)} >${procfd === undefined ? '' : '"$ROOT"'}/proc/sys/${word(sysctlFile(key))}`,
      look: `sysctl ${word(key)}`,
    };
  });
}
