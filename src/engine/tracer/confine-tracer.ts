/**
 * A tracer looks at what strangers have made, so it keeps of root's power only what looking needs, takes no more than a bounded part
 * of the machine's memory, and does not outlive its engine. See capabilities(7), prctl(2), getrlimit(2).
 */
import { call, type Call } from '../../kernel/call.ts';
import { capabilityData, capabilityHeader, capabilityMask } from '../../kernel/capability.ts';
import { prctlOptions, signals } from '../../kernel/flags.ts';
import { must } from '../../kernel/perform.ts';
import { rlimitSteps } from '../../runtime/rlimits.ts';

/** To trace, and to look into /proc of others; to be shown filters, and to join a network namespace; to reach any file. */
const kept = capabilityMask(['CAP_SYS_PTRACE', 'CAP_SYS_ADMIN', 'CAP_DAC_READ_SEARCH']);
/** Bytes of memory of its own: Node takes some 100 MB to begin with. */
const mostMemory = 2 ** 30;

/** Confines this process; ends it when its engine has ended already. @param engine the process id of the engine that started it */
export function confineTracer(engine: number): void {
  const sets = { effective: kept, permitted: kept, inheritable: 0n };
  const calls: Call[] = [
    ...rlimitSteps([
      { type: 'RLIMIT_DATA', soft: mostMemory, hard: mostMemory },
      // What it holds in memory are other processes' secrets.
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_FSIZE', soft: 0, hard: 0 },
    ]).flatMap((step) => step.calls),
    call('prctl', [prctlOptions.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0]),
    call('capset', [capabilityHeader(), capabilityData(sets)]),
    call('prctl', [prctlOptions.PR_SET_PDEATHSIG, signals.SIGKILL, 0, 0, 0]),
  ];
  for (const each of calls) must(each);
  if (process.ppid !== engine) process.exit(1);
}
