/** Record: a kernel for tests that notes the calls it is asked for and answers as it is told. */
import type { Call } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import type { Kernel } from './apply.ts';

/** A {@link Kernel} that touches nothing. `calls` fills up as it is used. */
export interface Recorder extends Kernel {
  readonly calls: Call[];
  readonly lines: string[];
}

/**
 * @param answer the value each call returns; by default a new descriptor-like number, counting from 100
 */
export function recorder(answer?: (call: Call, index: number) => number): Recorder {
  const calls: Call[] = [];
  const lines: string[] = [];
  return {
    calls,
    lines,
    call(c) {
      calls.push(c);
      lines.push(describeCall(c));
      return answer ? answer(c, calls.length - 1) : 100 + calls.length;
    },
  };
}
