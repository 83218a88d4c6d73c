/** Parameters of the kernel that each namespace has for itself, as a process of the lab has them. See proc_sys(5). */
import { cloneFlags } from '../../kernel/flags.ts';
import { readNamespacedFile } from '../../kernel/namespaced-file.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** The hostname in a process's UTS namespace; undefined when the process is gone. */
export const hostNameOf = ({ pid }: Pick<LabProcess, 'pid'>): string | undefined =>
  readNamespacedFile(pid, cloneFlags.CLONE_NEWUTS, '/proc/sys/kernel/hostname');

/** A parameter of a process's network namespace: `ipv4/ip_forward`. */
export const networkParameterOf = ({ pid }: Pick<LabProcess, 'pid'>, name: string): string | undefined =>
  readNamespacedFile(pid, cloneFlags.CLONE_NEWNET, `/proc/sys/net/${name}`);
