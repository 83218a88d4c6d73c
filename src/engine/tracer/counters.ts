/** Counters of a cgroup that move when a limit refuses: pids.events, memory.events and their like. See cgroup-v2.rst. */
import type { MovedCounter } from '../../api/schema.ts';
import { readKeyed, readNumber } from '../../kernel/cgroupfs.ts';
import type { WhyContext } from './refused-call.ts';

/** What the counters say now, by their names; what this machine does not count is left out. */
export type Counters = ReadonlyMap<string, { readonly file: string; readonly value: number }>;

/** Reads all. */
export function readCounters({ cgroup }: WhyContext): Counters {
  const found = new Map<string, { file: string; value: number }>();
  const take = (name: string, file: string, value: number | undefined): void => {
    if (value !== undefined) found.set(name, { file, value });
  };
  if (cgroup.pids) take('pids.events max', `${cgroup.pids}/pids.events`, readKeyed(`${cgroup.pids}/pids.events`)?.['max']);
  const { memory } = cgroup;
  if (memory) {
    const events = readKeyed(`${memory}/memory.events`);
    if (events) {
      take('memory.events max', `${memory}/memory.events`, events['max']);
      take('memory.events oom_kill', `${memory}/memory.events`, events['oom_kill']);
    } else {
      take('memory.failcnt', `${memory}/memory.failcnt`, readNumber(`${memory}/memory.failcnt`));
      take('memory.oom_control oom_kill', `${memory}/memory.oom_control`, readKeyed(`${memory}/memory.oom_control`)?.['oom_kill']);
    }
  }
  return found;
}

/** Those that have moved. */
export function moved(before: Counters, after: Counters): MovedCounter[] {
  return [...after].flatMap(([name, { file, value }]) => {
    const then = before.get(name)?.value ?? 0;
    return value === then ? [] : [{ name, file, before: then, after: value }];
  });
}
