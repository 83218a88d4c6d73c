/**
 * A file of /proc/sys as another process sees it: some of them tell of the namespaces of whoever reads. A short-lived child joins the
 * process's namespaces and reads (src/kernel/launch/child.ts); nothing of this process changes. See setns(2), proc_sys(5).
 */
import { call, result } from './call.ts';
import { AT_FDCWD, openFlags } from './flags.ts';
import { readInChild } from './launch/child.ts';

const longest = 4096;

/**
 * @param pid whose namespaces
 * @param flags which of them: CLONE_NEWUTS, CLONE_NEWNET, CLONE_NEWIPC
 * @returns at most 4096 bytes of it, without the line feed at its end; undefined when the process or the file can't be reached
 */
export function readNamespacedFile(pid: number, flags: number, path: string): string | undefined {
  const process = call('pidfd_open', [pid, 0]);
  const file = call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0]);
  const buffer = new Uint8Array(longest);
  const read = call('read', [result(file), buffer, longest]);
  const { values, bytes } = readInChild([process, call('setns', [result(process), flags]), file, read], buffer);
  const length = values.at(-1) ?? -1;
  return length < 0 ? undefined : Buffer.from(bytes.subarray(0, length)).toString().replace(/\n$/, '');
}
