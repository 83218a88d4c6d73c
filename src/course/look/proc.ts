/** Which processes the procfs at a process's /proc shows: that of the PID namespace for which it was mounted. See proc(5). */
import { namesIn } from './files.ts';
import type { Look } from './look.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** Whether a process's /proc shows the processes of its own PID namespace, and no others. */
export function showsOwnProcesses(look: Look, process: LabProcess): boolean {
  const shown = (namesIn(process, '/proc') ?? []).filter((name) => /^\d+$/.test(name)).length;
  // Those of the namespace itself and of all beneath it are shown, each once.
  const depth = process.pids.length;
  const top = look.processes.find(({ pids, namespaces }) => pids.length === depth && pids.at(-1) === 1 && namespaces.pid === process.namespaces.pid);
  if (!top || shown === 0) return false;
  const own = look.processes.filter((p) => p.pids.length >= depth && (p.namespaces.pid === process.namespaces.pid || isBeneath(look, p, top))).length;
  return shown === own;
}

const isBeneath = (look: Look, process: LabProcess, top: LabProcess): boolean => {
  const parent = look.process(process.parent);
  return parent !== undefined && (parent.pid === top.pid || isBeneath(look, parent, top));
};
