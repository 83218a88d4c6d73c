/** Parameters and tables of the kernel that each namespace has for itself, as a process of the lab has them. See proc_sys(5), setns(2). */
import { cloneFlags } from '../../kernel/flags.ts';
import { readNamespacedFile } from '../../kernel/namespaced-file.ts';
import type { LabProcess } from '../../lab/processes.ts';

type Of = Pick<LabProcess, 'pid'>;

/**
 * A file of /proc that tells of the reader's namespace, read in a process's.
 * @returns undefined when the process is gone. An ordinary user may enter only what a user namespace of his owns, and by that.
 */
const read = ({ pid }: Of, flags: number, path: string): string | undefined =>
  readNamespacedFile(pid, process.geteuid!() === 0 ? flags : flags | cloneFlags.CLONE_NEWUSER, path);

/** The hostname in a process's UTS namespace. */
export const hostNameOf = (process: Of): string | undefined => read(process, cloneFlags.CLONE_NEWUTS, '/proc/sys/kernel/hostname');

/** How many message queues (System V) a process's IPC namespace has. */
export const queuesOf = (process: Of): number =>
  (read(process, cloneFlags.CLONE_NEWIPC, '/proc/sysvipc/msg') ?? '').split('\n').filter((line) => /^\s*-?\d/.test(line)).length;
