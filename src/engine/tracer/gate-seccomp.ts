/** Whether the seccomp filter refused a call: the loaded programs are asked with the real number and arguments. See seccomp(2). */
import { needsOf } from '../../kernel/capability-needs.ts';
import { evaluate } from '../../kernel/bpf/classic-evaluate.ts';
import { capabilityNames } from '../../kernel/capability.ts';
import { capabilityMeanings, type CapabilityName } from '../../kernel/capability-meaning.ts';
import { errnoName } from '../../kernel/errno.ts';
import { actionOf, actionWords, lets, seccompReturn, strictest } from '../../runtime/seccomp/actions.ts';
import { defaultSeccomp, seccompFilter } from '../../runtime/seccomp/load.ts';
import { makeSeccompData } from '../../runtime/seccomp/seccomp-data.ts';
import { gate, type JudgedGate, type RefusedCall } from './refused-call.ts';

/** The gate, if the filter refuses the call at all. */
export function seccompGate(call: Pick<RefusedCall, 'thread' | 'name' | 'number' | 'arch' | 'args' | 'filters' | 'context'>): JudgedGate | undefined {
  const { filters, number, arch, args, thread } = call;
  if (filters.length === 0) return undefined;
  const data = makeSeccompData(arch, number, args);
  const values = filters.map((program) => evaluate(program, data).value);
  const value = strictest(values);
  if (lets(value)) return undefined;
  const action = actionOf(value);
  const answers = action === seccompReturn.ERRNO ? [errnoName(value & 0xffff)] : action === seccompReturn.TRACE ? ['ENOSYS'] : ['SIGSYS'];
  const unlock = unlockingCapability(call);
  const size = `${filters.length > 1 ? `s (${filters.length})` : ''} of ${filters.map((p) => p.length).join(' + ')} instructions`;
  const whose =
    filters[0] === call.context.recordedFilter
      ? `the filter${size} that the record makes (the loaded one is shown to the machine's root alone)`
      : `the loaded filter${size}`;
  return gate(
    'seccomp',
    answers,
    {
      call: call.name,
      action: actionWords(value),
      ...(unlock ? { unlock, allows: capabilityMeanings[unlock].en, allowsJa: capabilityMeanings[unlock].ja } : {}),
      own: call.context.defaultSeccomp ? 'default' : 'profile',
    },
    [
      `${whose}, put nr=${number} arch=0x${arch.toString(16)} args=[${args.map((a) => `0x${a.toString(16)}`).join(', ')}], return 0x${(value >>> 0).toString(16).padStart(8, '0')}: ${actionWords(value)}`,
      `/proc/${thread.tid}/status: Seccomp: ${thread.field('Seccomp')}, Seccomp_filters: ${thread.field('Seccomp_filters')}`,
    ],
    { option: unlock ? `--cap-add ${unlock.slice('CAP_'.length)}` : '--security-opt seccomp=PROFILE.json' },
  );
}

/** The engine's own filter follows the capabilities: the one with which it would let this call. */
function unlockingCapability({
  context,
  name,
  arch,
  number,
  args,
}: Pick<RefusedCall, 'context' | 'name' | 'arch' | 'number' | 'args'>): CapabilityName | undefined {
  if (!context.defaultSeccomp) return undefined;
  const data = makeSeccompData(arch, number, args);
  // Of several, the one that the call is about; the one that allows nearly everything, last.
  const wanted = needsOf(name, args).map((need) => need.capability);
  const order = [...wanted, ...capabilityNames.filter((other) => other !== 'CAP_SYS_ADMIN' && !wanted.includes(other)), 'CAP_SYS_ADMIN' as const];
  return order.find((capability) => {
    if (context.capabilities.includes(capability)) return false;
    const { program } = seccompFilter(defaultSeccomp([...context.capabilities, capability]));
    return lets(evaluate(program, data).value);
  });
}
