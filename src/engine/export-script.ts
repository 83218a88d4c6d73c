/**
 * A container as a shell script, for a person who wants to run it with nothing but util-linux, coreutils and iproute2: the shell lines
 * of the steps that its start would take (src/runtime/script/). It is beside the engine: it has a cgroup, a bridge and a writable layer
 * of its own, and shares only the image's layers.
 */
import { scriptOf } from '../runtime/script/script.ts';
import { variable } from '../runtime/script/prologue.ts';
import type { CgroupLayout, Hierarchy } from '../runtime/cgroup/layout.ts';
import type { StartPlan } from '../runtime/start.ts';
import { parameter } from '../step/shell.ts';
import type { Container } from './container.ts';
import type { Parts } from './parts.ts';
import { explainedStart, generatedFiles } from './start-plan.ts';

/** The forms of cgroups that a script can be written for; absent: that of this machine. */
type CgroupForm = CgroupLayout['mode'];

/** Writes it. */
export function exportScript(parts: Parts, container: Container, form: CgroupForm | undefined): string {
  const { id } = container;
  // Up to 15 characters, as a name of an interface; of its own, so that the engine's bridge need not be there.
  const { plan, close } = explainedStart(parts, container, `hks${id.slice(0, 8)}`);
  try {
    return scriptOf(ownPlaces(parts, plan, id, form), {
      head: head(container),
      parameters: [variable('STATE', '', 'Where its writable layer is kept; empty: in a directory that is gone at the end')],
      files: generatedFiles(container),
    });
  } finally {
    close();
  }
}

/** The plan with a cgroup, a writable layer and files of the script's own. */
function ownPlaces(parts: Parts, plan: StartPlan, id: string, form: CgroupForm | undefined): StartPlan {
  const state = parameter('STATE');
  const directory = parts.files.runDirectory(id);
  const { spec } = plan;
  return {
    ...plan,
    layout: form === undefined ? parts.layout : layoutOf(form, parts.layout),
    overlay: { ...plan.overlay, upper: `${state}/upper`, work: `${state}/work` },
    spec: {
      ...spec,
      mounts: spec.mounts.map((mount) =>
        mount.source.startsWith(`${directory}/`) ? { ...mount, source: state + mount.source.slice(directory.length) } : mount,
      ),
      linux: { ...spec.linux, cgroupsPath: `/hako-script-${id.slice(0, 12)}` },
    },
  };
}

const controllers = ['cpu', 'cpuacct', 'cpuset', 'memory', 'devices', 'freezer', 'blkio', 'pids'] as const;

/** A machine with a form of cgroups, mounted where every distribution does; this machine's own where it has the form. */
function layoutOf(form: CgroupForm, here: CgroupLayout): CgroupLayout {
  const v1 = here.hierarchies.some(({ version }) => version === 1)
    ? here.hierarchies.filter(({ version }) => version === 1)
    : controllers.map((name): Hierarchy => ({ version: 1, mountPoint: `/sys/fs/cgroup/${name}`, controllers: [name], own: '/' }));
  if (form === 'v1') return { mode: 'v1', hierarchies: v1, deviceFilter: 'list' };
  if (here.mode === form) return here;
  const unified = (mountPoint: string, of: readonly string[]): Hierarchy => ({ version: 2, mountPoint, controllers: of, own: '/' });
  if (form === 'hybrid') {
    const tree = unified('/sys/fs/cgroup/unified', []);
    return { mode: 'hybrid', hierarchies: [...v1, tree], unified: tree, deviceFilter: 'bpf' };
  }
  const tree = unified('/sys/fs/cgroup', ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids']);
  return { mode: 'v2', hierarchies: [tree], unified: tree, deviceFilter: 'bpf' };
}

function head({ record, id }: Container): string[] {
  return [
    '',
    `A container of the image ${record.image.reference.replaceAll(/[^ -~]/g, '?')}, as hakobune starts ${record.name} (${id.slice(0, 12)}), by shell commands.`,
    'Save it as a file and run it as root:  sh FILE',
    '',
    'It needs util-linux, coreutils and iproute2; nft where the container has a network; perl for the seccomp filter, for the device filter',
    'where there is no list of cgroup v1, and for the id maps of a user namespace. It has a cgroup, a bridge and a writable layer of its own, and takes them away at its end;',
    "the image's layers are read where they lie, and nothing is written to them. It exits with the program's code.",
    '',
  ];
}
