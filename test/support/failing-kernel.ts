/**
 * The kernel, but for one call. It stands for the real one in an engine of the test's own (`createEngine`), notes every call that is
 * made through it, and has a chosen one fail with a chosen errno. Calls of other processes (the monitor, the container's own first
 * process, a child in another namespace) are rows of a table: such a row gets the number of another call, which a seccomp filter that
 * the child takes on before all else answers with the errno. See seccomp(2).
 */
import { call, Struct, type Call } from '../../src/kernel/call.ts';
import { describeCall } from '../../src/kernel/describe.ts';
import type { Row } from '../../src/kernel/launch/table.ts';
import { performNow } from '../../src/kernel/perform.ts';
import { architecture } from '../../src/kernel/syscalls.ts';
import type { Kernel } from '../../src/step/apply.ts';

/** Who makes a call: the engine, a child of it that becomes the monitor, the monitor, the new process, a child in another namespace. */
export type Maker = 'engine' | 'entering' | 'monitor' | 'process' | 'child';

/** A call that was met, and can be told to fail. */
export interface Point {
  /** Names it in another run: who makes which call with which arguments, the how manieth such. */
  readonly key: string;
  readonly by: Maker;
  readonly call: Call;
}

/** Which call is to fail, and how. */
export interface Fault {
  readonly key: string;
  /** Positive. */
  readonly errno: number;
}

/**
 * sched_rr_get_interval(2), which nobody here calls, stands in for the call that is to fail: a container's own filter allows it, and
 * would else answer before ours for a number that there is not.
 */
const standIn = architecture === 'x64' ? 148 : 127;

/** Answers the stand-in with an errno. struct sock_fprog of struct sock_filter. */
function filter(errno: number): Call {
  const [LOAD_NUMBER, JEQ, RET] = [0x20, 0x15, 0x06];
  const [SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW] = [0x00050000, 0x7fff0000];
  const instructions: readonly (readonly [code: number, ifTrue: number, ifFalse: number, k: number])[] = [
    [LOAD_NUMBER, 0, 0, 0],
    [JEQ, 0, 1, standIn],
    [RET, 0, 0, SECCOMP_RET_ERRNO | errno],
    [RET, 0, 0, SECCOMP_RET_ALLOW],
  ];
  const program = new Uint8Array(8 * instructions.length);
  const view = new DataView(program.buffer);
  instructions.forEach(([code, ifTrue, ifFalse, k], i) => {
    view.setUint16(8 * i, code, true);
    view.setUint8(8 * i + 2, ifTrue);
    view.setUint8(8 * i + 3, ifFalse);
    view.setUint32(8 * i + 4, k, true);
  });
  const header = new Uint8Array(16);
  new DataView(header.buffer).setUint16(0, instructions.length, true);
  const SECCOMP_SET_MODE_FILTER = 1;
  return call('seccomp', [SECCOMP_SET_MODE_FILTER, 0, new Struct('filter', header, [[8, program]])]);
}

export class FailingKernel implements Kernel {
  /** The calls that were made since {@link watch}. */
  points: Point[] = [];
  /** The one that failed as it was told to. */
  failed: Point | undefined;
  readonly #seen = new Map<string, number>();
  #fault: Fault | undefined;
  #watching = false;
  /** A row was changed whose process has yet to take on the filter. */
  #needsFilter = false;

  /** From now on calls are noted, and one fails. */
  watch(fault?: Fault): void {
    this.points = [];
    this.failed = undefined;
    this.#seen.clear();
    this.#fault = fault;
    this.#watching = true;
    this.#needsFilter = false;
  }

  /** From now on all is as usual. */
  unwatch(): void {
    this.#watching = false;
    this.#fault = undefined;
  }

  call: Kernel['call'] = (c, resolve) => {
    const make = (): number | Promise<number> => (c.perform ? c.perform(resolve, this.#rewrite) : performNow(c, resolve));
    if (!this.#meets(c, 'engine')) return make();
    const { errno } = this.#fault!;
    // What the caller takes for an answer says that the thing is as it was to be, so it must be.
    return c.accept?.includes(errno) ? Promise.resolve(make()).then(() => -errno) : -errno;
  };

  readonly #rewrite = (section: Row[]): void => {
    if (!this.#watching) return;
    const by = makerOf(section);
    for (const row of section) {
      if (!this.#meets(row.call, by)) continue;
      row.number = standIn;
      this.#needsFilter = true;
    }
    if (this.#needsFilter && (by === 'entering' || by === 'child')) {
      section.unshift({ call: filter(this.#fault!.errno) });
      this.#needsFilter = false;
    }
  };

  /** Notes a call; whether it is the one that is to fail. */
  #meets(c: Call, by: Maker): boolean {
    if (!this.#watching) return false;
    const kind = `${by} ${nameless(describeCall(c))}`;
    const count = (this.#seen.get(kind) ?? 0) + 1;
    this.#seen.set(kind, count);
    const point: Point = { key: `${kind} #${count}`, by, call: c };
    this.points.push(point);
    if (point.key !== this.#fault?.key || this.failed) return false;
    this.failed = point;
    return true;
  }
}

function makerOf(section: readonly Row[]): Maker {
  const has = (holds: (c: Call) => boolean): boolean => section.some(({ call: c }) => holds(c));
  if (has((c) => c.name === 'waitid' || c.name === 'clone3')) return 'monitor';
  if (has((c) => c.name === 'execveat' && Array.isArray(c.args[2]) && c.args[2][0] === 'hako-monitor')) return 'entering';
  return has((c) => c.name === 'execve' || c.name === 'execveat') ? 'process' : 'child';
}

/** The text of a call without what differs from container to container. */
function nameless(text: string): string {
  return text
    .replaceAll(/\b([0-9a-f]{64}|[0-9a-f]{12})\b/g, 'ID')
    .replaceAll(/\bveth[0-9a-f]+\b/g, 'VETH')
    .replaceAll(/\b0?2(:[0-9a-f]{2}){5}\b/g, 'MAC')
    .replaceAll(/\b\d+(\.\d+){3}\b/g, 'ADDRESS')
    .replaceAll(/\b\d+\b/g, 'N');
}
