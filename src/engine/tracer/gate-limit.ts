/** Which limit refused a call: of the cgroup, of the process (rlimits), of a file system, or of the kernel. See getrlimit(2), cgroups(7). */
import { readdirSync, statfsSync, type StatsFs } from 'node:fs';
import { readKeyed, readNumber } from '../../kernel/cgroupfs.ts';
import { readRlimits } from '../../runtime/rlimits.ts';
import { statusField, tryRead } from '../process-files.ts';
import { allProcesses } from './gate-capability.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';
import { setting } from './thread.ts';
import { walk } from './walk.ts';
import { fileUses } from './calls.ts';

const forks = new Set(['fork', 'vfork', 'clone', 'clone3']);

/** The limits that a call with this error may have met. @param forked `pids.events` before the call */
export function limitGates(call: RefusedCall, forked: number | undefined): JudgedGate[] {
  const { error, name } = call;
  if (forks.has(name) && error === 'EAGAIN') return forkGates(call, forked);
  switch (error) {
    case 'EMFILE':
      return [descriptorGate(call)];
    case 'ENFILE':
      return [kernelGate(error, 'fs.file-max')];
    case 'EFBIG':
      return rlimitGate(call, 'RLIMIT_FSIZE', error, '') ?? [];
    case 'ENOSPC':
      return name === 'inotify_add_watch' ? [kernelGate(error, 'fs.inotify.max_user_watches')] : spaceGates(call);
    case 'EDQUOT':
      return spaceGates(call);
    case 'ENOMEM':
      return memoryGates(call);
    case 'EPERM':
      return name.startsWith('mlock') && (rlimit(call, 'RLIMIT_MEMLOCK')?.soft ?? 0) === 0
        ? (rlimitGate(call, 'RLIMIT_MEMLOCK', error, '') ?? [])
        : hardLimitGates(call);
    case 'EAGAIN':
      if (name.startsWith('mlock')) return rlimitGate(call, 'RLIMIT_MEMLOCK', error, '') ?? [];
      return [];
    default:
      return [];
  }
}

const rlimit = ({ thread }: RefusedCall, type: string): { readonly soft: number; readonly hard: number } | undefined => readRlimits(thread.tid).get(type);

function rlimitGate(call: RefusedCall, type: string, error: string, use: string): JudgedGate[] | undefined {
  const limit = rlimit(call, type);
  if (!limit || limit.soft < 0) return undefined;
  const name = type.slice('RLIMIT_'.length).toLowerCase();
  return [
    gate(
      'rlimit',
      [error],
      { limit: type, soft: limit.soft, hard: limit.hard, use },
      [`/proc/${call.thread.tid}/limits: ${type} ${limit.soft} (hard ${limit.hard < 0 ? 'unlimited' : limit.hard})`, ...(use ? [`in use: ${use}`] : [])],
      {
        option: `--ulimit ${name}=NUMBER`,
      },
    ),
  ];
}

function descriptorGate(call: RefusedCall): JudgedGate {
  let open = 0;
  try {
    open = readdirSync(`/proc/${call.thread.tid}/fd`).length;
  } catch {
    // It ended: the limit alone is told.
  }
  return rlimitGate(call, 'RLIMIT_NOFILE', 'EMFILE', `${open} descriptors`)?.[0] ?? kernelGate('EMFILE', 'fs.nr_open');
}

function kernelGate(error: string, name: string): JudgedGate {
  return gate('kernel-limit', [error], { setting: name, value: setting(name) ?? '' }, [`${name} = ${setting(name) ?? 'unknown'}`]);
}

function forkGates(call: RefusedCall, before: number | undefined): JudgedGate[] {
  const directory = call.context.cgroup.pids;
  const gates: JudgedGate[] = [];
  if (directory) {
    const events = readKeyed(`${directory}/pids.events`)?.['max'];
    const [current, max] = [readNumber(`${directory}/pids.current`) ?? 0, readNumber(`${directory}/pids.max`) ?? Infinity];
    const counted = events !== undefined && before !== undefined && events > before;
    if (counted || current >= max)
      gates.push(
        gate(
          'pids',
          ['EAGAIN'],
          { max, current },
          [`${directory}/pids.max: ${max}, pids.current: ${current}`, ...(counted ? [`pids.events max went from ${before} to ${events}`] : [])],
          { certain: counted, option: '--pids-limit NUMBER' },
        ),
      );
  }
  const uid = call.thread.credentials.uid;
  const limit = rlimit(call, 'RLIMIT_NPROC');
  const threads = limit && limit.soft >= 0 ? threadsOf(uid) : 0;
  if (gates.length === 0 && limit && limit.soft >= 0 && threads >= limit.soft)
    gates.push(...(rlimitGate(call, 'RLIMIT_NPROC', 'EAGAIN', `${threads} threads of user ${uid} on this machine`) ?? []));
  return gates.length ? gates : [kernelGate('EAGAIN', 'kernel.threads-max')];
}

/** Threads of a user, as the kernel counts for RLIMIT_NPROC. */
const threadsOf = (uid: number): number =>
  allProcesses().reduce((sum, pid) => {
    const status = tryRead(`/proc/${pid}/status`) ?? '';
    return Number(statusField(status, 'Uid').split(/\s+/)[0]) === uid ? sum + Number(statusField(status, 'Threads') || 1) : sum;
  }, 0);

function spaceGates(call: RefusedCall): JudgedGate[] {
  const { thread, error } = call;
  return fileUses(thread, call.name, call.args).flatMap((use) => {
    let free: StatsFs | undefined;
    const way = walk(thread, use.at, use.path, use.follow, (fd) => (free = spaceAt(fd)));
    const place = way.final ?? way.parent;
    const mount = place && thread.mounts.find((m) => m.id === place.mount);
    if (!mount) return [];
    const what = error === 'EDQUOT' ? 'quota' : free && free.files > 0 && free.ffree === 0 ? 'inodes' : 'bytes';
    const size = mount.superOptions.find((option) => option.startsWith('size='));
    return [
      gate(
        'space',
        [error],
        { path: place.path, mount: mount.mountPoint, type: mount.type, what, ...(size ? { size } : {}) },
        [
          `${mount.mountPoint}: ${mount.type} ${mount.source} ${size ?? ''}`.trimEnd(),
          ...(free ? [`statfs: ${free.bavail} of ${free.blocks} blocks free (of ${free.bsize} bytes), ${free.ffree} of ${free.files} inodes`] : []),
        ],
        mount.type === 'tmpfs' ? { option: mount.mountPoint === '/dev/shm' ? '--shm-size BYTES' : `--tmpfs ${mount.mountPoint}:size=BYTES` } : {},
      ),
    ];
  });
}

/** What is free in the file system of an open file; undefined where that does not tell. */
function spaceAt(fd: number): StatsFs | undefined {
  try {
    return statfsSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined; // the mount alone is told
  }
}

function memoryGates(call: RefusedCall): JudgedGate[] {
  const { name } = call;
  if (name.startsWith('mlock')) return rlimitGate(call, 'RLIMIT_MEMLOCK', 'ENOMEM', '') ?? [];
  const used = (field: string): string => `${call.thread.field(field)} (${field})`;
  const space = rlimitGate(call, 'RLIMIT_AS', 'ENOMEM', used('VmSize')) ?? rlimitGate(call, 'RLIMIT_DATA', 'ENOMEM', used('VmData'));
  if (space) return space;
  if (setting('vm.overcommit_memory') === '2') return [kernelGate('ENOMEM', 'vm.overcommit_ratio')];
  return [];
}

/** A hard limit that is raised without CAP_SYS_RESOURCE; the capability's own gate says the rest. */
function hardLimitGates(call: RefusedCall): JudgedGate[] {
  if (call.name !== 'prlimit64' && call.name !== 'setrlimit') return [];
  const at = call.name === 'prlimit64' ? 1 : 0;
  const type = [...readRlimits(call.thread.tid).keys()][Number(call.args[at] ?? 0n)];
  return type ? (rlimitGate(call, type, 'EPERM', '') ?? []) : [];
}
