/** Whether a call was refused for want of a capability, and in which user namespace it is asked for. See capabilities(7). */
import { readdirSync } from 'node:fs';
import { capabilityMeanings } from '../../kernel/capability-meaning.ts';
import { needsOf, type CapabilityNeed } from '../../kernel/capability-needs.ts';
import { processCalled } from './thread.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';

/** The capabilities that the call asks for and the thread lacks. */
export function capabilityGates(call: RefusedCall): JudgedGate[] {
  return needsOf(call.name, call.args).flatMap((need) => capabilityGate(call, need) ?? []);
}

function capabilityGate(call: RefusedCall, need: CapabilityNeed): JudgedGate | undefined {
  return lackedGate(call, need, targetOf(call, need));
}

/** The gate for one capability, if the thread lacks it where it counts. */
export function lackedGate(
  { thread, context }: Pick<RefusedCall, 'thread' | 'context'>,
  need: Pick<CapabilityNeed, 'capability' | 'place' | 'errno' | 'man' | 'when'>,
  target?: string,
): JudgedGate | undefined {
  const { capability, place, errno, man, when } = need;
  const holding = thread.holding(capability, place, target);
  if (holding.has) return undefined;
  const reachable = holding.namespace === holding.ownNamespace;
  const root = thread.credentials.uid === 0 || thread.field('Uid').startsWith('0');
  return gate(
    'capability',
    [errno],
    {
      capability,
      allows: capabilityMeanings[capability].en,
      allowsJa: capabilityMeanings[capability].ja,
      place,
      namespace: holding.namespace,
      reachable: reachable ? 'yes' : 'no',
      own: holding.own ? 'yes' : 'no',
      bounding: context.capabilities.includes(capability) ? 'yes' : 'no',
      root: root ? 'yes' : 'no',
      man,
      ...(when ? { when } : {}),
    },
    [
      `/proc/${thread.tid}/status: CapEff: ${thread.field('CapEff')} (${capability} ${holding.own ? 'is' : 'is not'} in it)`,
      `/proc/${thread.tid}/ns/user: ${holding.ownNamespace}; asked for in ${holding.namespace}`,
    ],
    reachable && !holding.own && !context.capabilities.includes(capability) ? { option: `--cap-add ${capability.slice('CAP_'.length)}` } : {},
  );
}

/** For a capability that another object's namespace decides: the file of that namespace. */
function targetOf({ thread, name, args }: RefusedCall, need: CapabilityNeed): string | undefined {
  if (need.place !== 'target') return undefined;
  if (name === 'setns' || name === 'pidfd_send_signal' || name === 'pidfd_getfd' || name === 'process_madvise') {
    return name === 'setns' ? `/proc/${thread.tid}/fd/${Number(args[0])}` : undefined;
  }
  const number = Number(BigInt.asIntN(32, args[name === 'ptrace' ? 1 : 0] ?? 0n));
  const pid = number > 0 ? processCalled(thread, number, allProcesses()) : undefined;
  return pid === undefined ? undefined : `/proc/${pid}/ns/user`;
}

/** All processes of the machine. */
export const allProcesses = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
