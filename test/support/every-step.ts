/**
 * Every step that there is, without an engine: the engine's own procedures, explained for plans with all features on, under each
 * form of cgroups. The manual's examples are taken from here (scripts/manual-examples.ts), and its test asks here what there is to document.
 * A new step belongs here: as a feature of a plan, or as a procedure of its own.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unknown } from '../../src/kernel/call.ts';
import { findSyscall } from '../../src/kernel/syscalls.ts';
import type { Example } from '../../src/manual/manual.ts';
import { phases, type Phase } from '../../src/manual/page.ts';
import { TracedExec } from '../../src/engine/traced-exec.ts';
import type { Cgroup } from '../../src/runtime/cgroup/cgroup.ts';
import { createCgroup } from '../../src/runtime/cgroup/create.ts';
import { freeze, thaw } from '../../src/runtime/cgroup/freeze.ts';
import { killAll } from '../../src/runtime/cgroup/kill.ts';
import { detectCgroups } from '../../src/runtime/cgroup/detect.ts';
import type { CgroupLayout } from '../../src/runtime/cgroup/layout.ts';
import { limit } from '../../src/runtime/cgroup/limits.ts';
import { removeCgroup } from '../../src/runtime/cgroup/remove.ts';
import { updateCgroup } from '../../src/runtime/cgroup/update.ts';
import { pureV1, pureV2, writeFiles, type FakeMachine } from '../../src/runtime/cgroup/fixture.ts';
import { create } from '../../src/runtime/create.ts';
import { exec } from '../../src/runtime/exec.ts';
import { makeGroup, removeGroup, type ResctrlGroup } from '../../src/runtime/resctrl.ts';
import type { ProcessSpec, Spec } from '../../src/runtime/spec.ts';
import { runHook } from '../../src/runtime/hook.ts';
import { start } from '../../src/runtime/start.ts';
import { byHelper } from '../../src/runtime/subordinate-ids.ts';
import { explain, type Explanation } from '../../src/step/explain.ts';
import type { Procedure } from '../../src/step/step.ts';
import { cgroupPath, endOfNetwork, engineFiles, everything, execPlan, hostInterface, planOf, specOf, type Features } from './explained-container.ts';
import { elementExplanations } from './element-steps.ts';
import { enterPrivateNetwork } from './private-network.ts';

/** A step as it came in one of the procedures. */
export interface Seen {
  readonly phase: Phase;
  readonly explanation: Explanation;
  /** Manual pages of its calls, in their order. */
  readonly man: readonly string[];
}

/** Why the steps cannot be collected here, or false. */
export const unable: string | false =
  process.getuid?.() !== 0
    ? 'needs root, for a network namespace'
    : Number(release().split('.')[0]) * 100 + Number(release().split('.')[1]) < 613 && 'the examples are of Linux 6.13 or newer, which takes mapped layers';

/** A machine with the controllers in version 1 and an empty version 2 tree beside them. */
const hybrid: FakeMachine = {
  mountinfo: pureV1.mountinfo.replace(/^99 .*\n/m, '') + '40 25 0:41 / /sys/fs/cgroup/unified rw,nosuid shared:30 - cgroup2 cgroup2 rw,nsdelegate\n',
  ownCgroups: `${pureV1.ownCgroups}0::/\n`,
  files: { ...pureV1.files, '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n', '/sys/fs/cgroup/unified/cgroup.subtree_control': '\n' },
};

/** A group of the container's own in a resctrl. */
const group: ResctrlGroup = {
  mountPoint: '/sys/fs/resctrl',
  directory: '/sys/fs/resctrl/web',
  isNew: true,
  isOwn: true,
  schemata: 'L3:0=7f0;1=1f\nMB:0=20;1=70',
};

/** Files of a container's cgroup, with two processes in it. */
const cgroupFiles = (directory: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [join('/sys/fs/cgroup', directory, cgroupPath, name), name === 'cgroup.procs' ? '4711\n4712\n' : '']));

/** Collects every step, in the order of a run. Puts the calling thread into a network namespace of its own. */
export function everyStep(): Seen[] {
  enterPrivateNetwork();
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '0'); // a new namespace has what the host has
  const trees = mkdtempSync(join(tmpdir(), 'hako-steps-'));
  try {
    const tidy = (text: string): string =>
      text
        .replaceAll(trees, '')
        .replaceAll(/\/(v1|v2|hybrid|busy-\w+)(?=\/sys\/fs)/g, '')
        .replaceAll(/\bveth[0-9a-f]{7}\b/g, hostInterface)
        .replaceAll(/\bgroup[ =]\d{5,}/g, (found) => found.replace(/\d+/, '65537'));
    const seen = JSON.parse(tidy(JSON.stringify(collect(trees)))) as Seen[];
    return phases.flatMap((phase) => seen.filter((one) => one.phase === phase));
  } finally {
    rmSync(trees, { recursive: true });
  }
}

function collect(trees: string): Seen[] {
  const layout = (name: string, machine: FakeMachine, files: Readonly<Record<string, string>> = {}): CgroupLayout => {
    const root = join(trees, name);
    writeFiles(root, { ...machine.files, ...files });
    return detectCgroups({ root, mountinfo: machine.mountinfo, ownCgroups: machine.ownCgroups, bpf: name !== 'v1' && name !== 'busy-v1' });
  };
  for (const name of ['hosts', 'hostname', 'resolv.conf']) writeFiles(trees, { [`/${engineFiles}/${name}`]: '' });
  symlinkSync('/usr/share/zoneinfo/Asia/Tokyo', join(trees, 'localtime'));
  const machines = [layout('v2', pureV2), layout('hybrid', hybrid), layout('v1', pureV1)];
  const seen = new Sequence();

  for (const machine of machines) seen.add(run(machine, { ...everything, tree: trees }));
  for (const machine of machines) seen.add(run(machine, { ...everything, userNamespace: true, tree: trees }));
  seen.add(run(machines[0]!, { ...everything, userNamespace: true, terminal: true }));
  seen.add(run(machines[0]!, { terminal: true, init: true }));
  seen.add(run(machines[0]!, { joins: true }));
  seen.add(run(machines[0]!, { watched: true }));
  const granted = [
    { containerID: 0, hostID: 1000, size: 1 },
    { containerID: 1, hostID: 100000, size: 65536 },
  ];
  seen.add(inOnePhase('accompany', byHelper('newuidmap', new Unknown('PID'), granted), byHelper('newgidmap', new Unknown('PID'), granted)));
  for (const way of ['pivot', 'move', 'chroot', 'user'] as const) seen.add(inOrder(explain(createForCaller(machines[0]!, trees, way))));
  seen.add(run(machines[0]!, { onlyOci: true }));

  for (const machine of machines)
    for (const terminal of [false, true]) seen.add(inOnePhase('exec', exec({ ...execPlan(machine), process: { ...specOf({}).process, terminal } })));
  const pinned: ProcessSpec = { ...specOf({}).process, execCPUAffinity: { final: '0' } };
  seen.add(inOnePhase('exec', exec({ ...execPlan(machines[0]!), process: pinned })));
  seen.add(
    inOnePhase(
      'exec',
      exec({ ...execPlan(machines[0]!), namespaces: ['pid', 'mount', 'user'], pid: process.pid, process: { ...specOf({}).process, terminal: true } }),
    ),
  );

  const tracing = new TracedExec({
    name: 'web',
    capabilities: [],
    defaultSeccomp: true,
    recordedFilter: undefined,
    deviceRules: [],
    mounts: [],
    readOnlyRoot: false,
    networkMode: 'none',
    cgroup: {},
  });
  seen.add(inOnePhase('exec', exec({ ...execPlan(machines[0]!), whileWaiting: (pid) => tracing.begin(pid) })));

  const busyV2 = layout('busy-v2', pureV2, cgroupFiles('', ['cgroup.procs', 'cgroup.kill', 'cgroup.events', 'memory.max']));
  const busyV1 = layout('busy-v1', pureV1, {
    ...cgroupFiles('systemd', ['cgroup.procs']),
    ...cgroupFiles('freezer', ['cgroup.procs', 'freezer.state']),
    ...cgroupFiles('memory', ['cgroup.procs']),
  });
  const of = (machine: CgroupLayout, hierarchies = machine.hierarchies): Cgroup => ({ layout: machine, path: cgroupPath, hierarchies });
  seen.add(inOnePhase('limits', limit(of(busyV1), { network: { classID: 0x100001, priorities: [{ name: 'eth0', priority: 5 }] } })));
  seen.add(inOnePhase('limits', limit(of(busyV2), { rdma: { mlx5_1: { hcaHandles: 10, hcaObjects: 2000 } } })));
  for (const machine of [busyV2, busyV1]) seen.add(inOnePhase('alive', freeze(of(machine)), thaw(of(machine))));
  const few = busyV1.hierarchies.filter(({ controllers }) => controllers.includes('freezer') || controllers.includes('memory'));
  seen.add(inOnePhase('alive', updateCgroup(of(busyV2), { memory: { limit: 128 << 20 } })));
  seen.add(inOnePhase('alive', updateCgroup(of(busyV1, few), { pids: { limit: 100 } })));

  for (const machine of [busyV2, busyV1]) seen.add(inOnePhase('end', killAll(of(machine)), removeCgroup(of(machine))));
  seen.add(inOnePhase('end', removeGroup(group.directory)));
  seen.add(inOnePhase('end', endOfNetwork()));

  // In one sequence: together they are what one would do with them in turn.
  seen.add([...elementExplanations(machines[0]!, trees)].flatMap((all) => all.flatMap(flat)).map((explanation) => withMan('element', explanation)));
  return seen.all;
}

/** Ids in the order of the procedures that they come in: one that is new has its place behind the one before it. */
class Sequence {
  readonly all: Seen[] = [];
  add(steps: readonly Seen[]): void {
    let at: number | undefined;
    for (const one of steps) {
      const known = this.all.findIndex(({ explanation }) => explanation.id === one.explanation.id);
      at ??= known < 0 ? this.all.length - 1 : known;
      if (known < 0) this.all.splice(++at, 0, one);
      else at = Math.max(at, known);
    }
  }
}

const withMan = (phase: Phase, explanation: Explanation): Seen => ({
  phase,
  explanation,
  man: [...new Set(explanation.calls.flatMap((text) => findSyscall(/^(?:\w+ = )?(\w+)\(/.exec(text)?.[1] ?? '')?.man ?? []))],
});

/** A step, then those inside it. */
const flat = (explanation: Explanation): Explanation[] => [explanation, ...explanation.inside.flatMap(flat)];

function inOnePhase(phase: Phase, ...procedures: readonly Procedure<unknown>[]): Seen[] {
  return procedures.flatMap((procedure) => explain(procedure).flatMap(flat)).map((explanation) => withMan(phase, explanation));
}

/** The steps of a start: by the engine before the clone, by the new process, by the engine while that waits. */
const run = (layout: CgroupLayout, features: Features): Seen[] => inOrder(explain(start(planOf(layout, features))));

/** A container that waits for its start, as an OCI caller has it created: with mounts that the engine has none of, and without what it has. */
function createForCaller(layout: CgroupLayout, trees: string, way: 'pivot' | 'move' | 'chroot' | 'user' = 'pivot'): Procedure<unknown> {
  const spec = specOf({ userNamespace: way === 'user' });
  const mount = (destination: string, type: string, source: string, ...options: string[]): Spec['mounts'][number] => ({ destination, type, source, options });
  const kinds = [
    mount('/var/cache', 'tmpfs', 'tmpfs', 'tmpcopyup', 'size=64m'),
    mount('/mnt', 'ext4', '/dev/vdb1', 'ro', 'noatime'),
    mount('/etc/localtime', 'bind', join(trees, 'localtime'), 'bind', 'copy-symlink'),
    mount('/var/cache', '', '', 'remount', 'bind', 'ro'),
  ];
  const { namespaces } = spec.linux;
  const asked: Spec = {
    ...spec,
    mounts: way === 'chroot' ? [] : [...spec.mounts.filter(({ type }) => type !== 'proc'), ...kinds],
    linux: {
      ...spec.linux,
      sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0' },
      seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_NOTIFY' }] },
      rootfsPropagation: 'shared',
      namespaces: way === 'chroot' ? namespaces.filter(({ type }) => type !== 'mount') : namespaces,
      ...(way === 'chroot' ? { maskedPaths: [], readonlyPaths: [] } : {}),
    },
  };
  return create({
    id: 'web',
    owner: 'hako-oci',
    spec: asked,
    rootfs: '/bundle/rootfs',
    bundle: '/bundle',
    noPivot: way === 'move',
    supervisor: { path: '/run/supervisor.sock', state: () => '{}' },
    *makeCgroup() {
      const cgroup = yield* createCgroup(layout, cgroupPath);
      yield* makeGroup(group);
      return { cgroup: { ...cgroup, resctrl: group.directory }, warnings: [] };
    },
    *beforePivot(pid) {
      const hook = { path: '/bin/hook', timeout: 5 };
      yield* runHook({ hook, kind: 'createContainer', state: '{}', inside: { pid, namespaces: ['pid', 'mount'] }, cwd: '/bundle' });
    },
    gate: 9,
    preserveFds: 1,
  });
}

function inOrder(explained: readonly Explanation[]): Seen[] {
  const clone = explained.findIndex((e) => e.id === 'process.clone');
  const before = explained.slice(0, clone).flatMap(flat);
  const bySubject = (['limits', 'files', 'network', 'process'] as const).flatMap((phase) =>
    before.filter((e) => subjectOf(e.id) === phase).map((e) => withMan(phase, e)),
  );
  const after = explained.slice(clone + 1).flatMap(flat);
  return [
    ...bySubject,
    withMan('process', explained[clone]!),
    ...explained[clone]!.inside.flatMap(flat).map((e) => withMan('inside', e)),
    ...after.map((e) => withMan(subjectOf(e.id) === 'network' ? 'network' : 'accompany', e)),
  ];
}

function subjectOf(stepId: string): 'limits' | 'files' | 'network' | 'process' {
  if (/^(cgroup|resctrl)\./.test(stepId) && stepId !== 'cgroup.open') return 'limits';
  if (/^(network|namespace)\./.test(stepId)) return 'network';
  return /^(mount|rootfs|dev)\.|^user\.map-namespace$/.test(stepId) ? 'files' : 'process';
}

/** The text of src/manual/examples.json. */
export function examplesText(steps: readonly Seen[]): string {
  const examples = steps.map(({ phase, explanation, man }): Example => {
    const { inside: _, id: stepId, ...rest } = explanation;
    return { id: stepId, phase, ...rest, man };
  });
  return `${JSON.stringify(examples, null, 1)}\n`;
}
