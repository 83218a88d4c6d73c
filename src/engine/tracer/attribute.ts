/**
 * Who refused a call. Every gatekeeper that would refuse it is found by looking at the kernel's state while the thread stands; the
 * error that came tells which of them spoke. The kernel's order is: the seccomp filter before anything of the call itself.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Gate } from '../../api/schema.ts';
import { native } from '../seccomp/native.ts';
import { fileUses } from './calls.ts';
import { allProcesses, capabilityGates } from './gate-capability.ts';
import { fileGates } from './gate-file.ts';
import { limitGates } from './gate-limit.ts';
import { networkGates } from './gate-network.ts';
import { seccompGate } from './gate-seccomp.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';
import { processCalled, setting } from './thread.ts';
import { walk } from './walk.ts';
import { tryRead, statusField } from '../process-files.ts';

/** What the tracer has seen before the call. */
export interface Seen {
  /** `pids.events` max. */
  readonly forked: number | undefined;
  /** The program has restricted itself by Landlock. */
  readonly landlocked: boolean;
  /** Our own process id: a program that is traced already cannot be traced by another. */
  readonly tracer: number;
}

/** The gates: first who refused, then who would have too. Never empty. */
export function attribute(call: RefusedCall, seen: Seen): Gate[] {
  const seccomp = seccompGate(call);
  const others = call.arch === native.arch ? [...judges(call, seen)] : [];
  const gates = distinct([...(seccomp ? [seccomp] : []), ...others]);
  // The filter comes first, and what it says is the answer whatever else would have been.
  if (seccomp?.answers.includes(call.error)) return gates.map(plain);
  const spoke = gates.findIndex((g) => g.answers.includes(call.error));
  if (spoke >= 0) return [gates[spoke]!, ...gates.filter((_, i) => i !== spoke)].map(plain);
  return [...suspects(call, seen), ...gates].map(plain);
}

/** A gate as it is told. */
export const plain = ({ answers: _answers, ...rest }: JudgedGate): Gate => rest;

function* judges(call: RefusedCall, seen: Seen): Generator<JudgedGate> {
  yield* tracingGates(call, seen);
  for (const use of fileUses(call.thread, call.name, call.args)) yield* fileGates(call, use);
  yield* networkGates(call);
  yield* limitGates(call, seen.forked);
  if (call.error === 'EPERM' || call.error === 'EACCES' || call.error === 'ENOSYS' || call.error === 'SIGSYS') {
    if (!(call.name === 'bind' || call.name.startsWith('mknod') || call.name.startsWith('mlock'))) yield* capabilityGates(call);
  }
}

/** Equal findings, of two paths of one call, once. */
const distinct = (gates: readonly JudgedGate[]): JudgedGate[] => [...new Map(gates.map((g) => [`${g.kind} ${JSON.stringify(g.facts)}`, g])).values()];

/** A process can have one tracer: while `hako why` traces, a debugger inside is refused. */
function* tracingGates({ thread, name, args, error }: RefusedCall, { tracer }: Seen): Generator<JudgedGate> {
  if (name !== 'ptrace' || error !== 'EPERM') return;
  const PTRACE_TRACEME = 0n;
  const target = args[0] === PTRACE_TRACEME ? thread.tid : processCalled(thread, Number(args[1] ?? 0n), allProcesses());
  const status = target === undefined ? undefined : tryRead(`/proc/${target}/status`);
  if (status && Number(statusField(status, 'TracerPid')) === tracer)
    yield gate('tracer', ['EPERM'], { call: name }, [`/proc/${target}/status: TracerPid: ${tracer}, which is hako why itself`]);
  const scope = Number(setting('kernel.yama.ptrace_scope') ?? 0);
  if (scope > 0) yield gate('yama', ['EPERM'], { scope: String(scope) }, [`kernel.yama.ptrace_scope = ${scope}`], { certain: false });
}

/** Who may have refused where nothing that can be looked at would have: security modules, else nobody that is known here. */
function suspects(call: RefusedCall, seen: Seen): JudgedGate[] {
  const { thread, error } = call;
  const found: JudgedGate[] = [];
  if (error === 'EACCES' || error === 'EPERM') {
    if (seen.landlocked)
      found.push(
        gate(
          'landlock',
          [error],
          { call: call.name },
          ['the program called landlock_restrict_self(2) before, and permission bits and mounts would let this call'],
          { certain: false },
        ),
      );
    const label = tryRead(`/proc/${thread.tid}/attr/current`)?.replaceAll('\0', '').trim();
    if (label && label !== 'unconfined' && label !== 'kernel') {
      found.push(
        gate('lsm', [error], { label, module: securityModules() }, [`/proc/${thread.tid}/attr/current: ${label}`, `security modules: ${securityModules()}`], {
          certain: false,
        }),
      );
    }
  }
  if (error === 'EBUSY' || error === 'ETXTBSY') found.push(busyGate(call));
  if (found.length === 0) found.push(gate('unknown', [error], { call: call.name, error }, unseenFilters(call), { certain: false }));
  return found;
}

/** That there are filters which could not be asked: one of them may be who refused. */
function unseenFilters({ thread, filters }: RefusedCall): string[] {
  const loaded = Number(thread.field('Seccomp_filters'));
  return loaded > filters.length
    ? [
        `/proc/${thread.tid}/status: Seccomp_filters: ${loaded}, which the kernel shows to the machine's root alone: ${loaded - filters.length} of them could not be asked`,
      ]
    : [];
}

/** Of what is in use, the one case that can be seen: a mount point can be neither removed nor renamed. */
function busyGate({ thread, name, args, error }: RefusedCall): JudgedGate {
  for (const use of error === 'EBUSY' ? fileUses(thread, name, args) : []) {
    const place = walk(thread, use.at, use.path, use.follow).final;
    const mount = place && thread.mounts.find((m) => m.mountPoint === place.path);
    if (mount)
      return gate('busy', [error], { call: name, mount: mount.mountPoint }, [
        `/proc/${thread.tid}/mountinfo: ${mount.id} ${mount.mountPoint} - ${mount.type} ${mount.source}`,
      ]);
  }
  return gate('busy', [error], { call: name, ...(error === 'ETXTBSY' ? { program: 'yes' } : {}) }, []);
}

/** The active security modules, as far as the machine shows them. */
function securityModules(): string {
  const list = '/sys/kernel/security/lsm';
  if (existsSync(list)) return readFileSync(list, 'utf8').trim();
  return existsSync('/sys/fs/selinux/enforce') ? 'selinux' : existsSync('/sys/kernel/security/apparmor') ? 'apparmor' : 'unknown';
}
