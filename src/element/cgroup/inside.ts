/** What is in a cgroup: processes, and cgroups below it. */
import { cgroupTree, readNumbers } from '../../kernel/cgroupfs.ts';
import { directoryIn, type Cgroup } from '../../runtime/cgroup/cgroup.ts';

/** The processes in any of its hierarchies, with those below: one that was moved by hand may be in some of them only. */
export function occupants(cgroup: Cgroup): number[] {
  const all = cgroup.hierarchies.flatMap((h) => cgroupTree(directoryIn(h, cgroup.path)).flatMap((d) => readNumbers(`${d}/cgroup.procs`) ?? []));
  return [...new Set(all)].filter((pid) => pid > 0);
}

/** The paths of the cgroups below it in any of its hierarchies, sorted so that each comes before those below it. */
export function below(cgroup: Cgroup): string[] {
  const paths = cgroup.hierarchies.flatMap((h) =>
    cgroupTree(directoryIn(h, cgroup.path))
      .slice(1)
      .map((d) => d.slice(h.mountPoint.length)),
  );
  return [...new Set(paths)].sort();
}
