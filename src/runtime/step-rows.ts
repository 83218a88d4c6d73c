/**
 * From steps to the rows of a syscall table. Where somebody watches, there is more between a step's calls: the kernel's clock is read
 * after each (clock_gettime(2), a row like any other), and before a step the process may stop at a gate: it writes a byte to the
 * engine and reads one. While it stands there the engine may lead the gate past the step, since the table is memory that both see.
 */
import { call, type Call } from '../kernel/call.ts';
import { rowLayout } from '../kernel/launch/row.ts';
import { tableAddress } from '../kernel/launch/program.ts';
import { resultOf, type Row, type Table } from '../kernel/launch/table.ts';
import { must } from '../kernel/perform.ts';
import type { Decision } from '../step/apply.ts';
import type { JumpTarget, RanCall, Step } from '../step/step.ts';

/** Whoever watches a new process take its steps. */
export interface ProcessWatch {
  /** Have the clock read after each of its calls. */
  readonly clock?: boolean;
  /** Whether it stops before a step. */
  readonly pauses?: (step: Step<unknown>) => boolean;
  /** Asked when it stands before a step, which its id is told of; what this throws ends the start. */
  readonly decide?: (step: Step<unknown>, process: { readonly pid: number; readonly lane: RanCall['lane'] }) => Promise<Decision>;
}

/** Whether a gate is wanted before a step. Where the process waits for the engine anyway it needs none. */
export function pausesBefore(step: Step<unknown>, watch: ProcessWatch | undefined): boolean {
  return step.id !== 'process.wait' && watch?.pauses?.(step) === true;
}

const CLOCK_MONOTONIC = 1;

/** A row that reads the clock, and where to. What refuses it to be read stops nothing. */
export interface ClockRow {
  readonly row: Row;
  readonly time: Uint8Array;
}

export function clockRow(): ClockRow {
  const time = new Uint8Array(16);
  return { row: { call: call('clock_gettime', [CLOCK_MONOTONIC, time], { accept: [] }) }, time };
}

/** Whether a row only reads the clock: when that fails, nothing has. */
export const isClockRow = ({ call: { name } }: Row): boolean => name === 'clock_gettime';

/** What the clock said, in nanoseconds; undefined where it was not read. @param bytes the table as it is now */
export function timeOf({ time }: ClockRow, table: Table, bytes: Uint8Array): bigint | undefined {
  const at = table.offsetOfBytes(time);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getBigInt64(at, true) * 1_000_000_000n + view.getBigInt64(at + 8, true) || undefined;
}

/** The rows of a list of steps. */
export class StepRows {
  readonly rows: Row[] = [];
  readonly #rowOf = new Map<Call, Row>();
  readonly #clocks = new Map<Call, ClockRow>();
  /** Rows that ask for the reason of a failure; several calls may have the same. */
  readonly #reasons = new Map<Call, Row>();
  readonly #gates = new Map<Step<unknown>, { readonly gate: Row; readonly end: number }>();
  readonly #steps: readonly Step<unknown>[];
  readonly #after: Row;
  readonly #last: Row;
  #passing: Row | undefined;

  /**
   * @param sync the process's end of the engine's socket
   * @param place where these rows lie: the row after them, and their section's last, which is where errors go
   */
  constructor(steps: readonly Step<unknown>[], sync: number, place: { readonly after: Row; readonly last: Row }, watch: ProcessWatch = {}) {
    this.#steps = steps;
    this.#after = place.after;
    this.#last = place.last;
    // A filter may refuse to read the clock, or end who tries.
    let clock = watch.clock ?? false;
    const jumping: { readonly jumps: NonNullable<Step['jumps']>; readonly end: number }[] = [];
    for (const step of steps) {
      const gate = pausesBefore(step, watch) ? this.#gate(sync) : undefined;
      if (step.id === 'seccomp.filter' || step.id.startsWith('process.exec')) clock = false;
      for (const c of step.calls) this.#add(this.#row(c, sync), clock);
      if (gate) this.#gates.set(step, { gate, end: this.rows.length });
      if (step.jumps) jumping.push({ jumps: step.jumps, end: this.rows.length });
    }
    if (this.#passing) this.#passing.onZero = this.#passing.onPositive = place.after;
    for (const { jumps, end } of jumping) this.#setJumps(jumps, this.rows[end] ?? this.#after);
  }

  #setJumps(jumps: NonNullable<Step['jumps']>, done: Row): void {
    for (const [from, { onError, onZero, onPositive }] of jumps) {
      const row = this.#rowOf.get(from)!;
      const to = (target: JumpTarget): Row => (target === 'done' ? done : target === 'fail' ? this.#last : this.#rowOf.get(target)!);
      if (onError) row.onError = to(onError);
      if (onZero) row.onZero = to(onZero);
      if (onPositive) row.onPositive = to(onPositive);
    }
  }

  #add(row: Row, clock: boolean): void {
    this.#rowOf.set(row.call, row);
    this.#push(row);
    const { reason } = row.call;
    const asked = reason && this.#reasons.get(reason);
    if (asked) row.onError = asked;
    else if (reason) {
      row.onError = { call: reason, onError: this.#last, onZero: this.#last, onPositive: this.#last };
      this.#reasons.set(reason, row.onError);
      this.rows.push(row.onError);
      this.#passing = row;
    }
    if (!clock) return;
    const read = clockRow();
    this.#clocks.set(row.call, read);
    this.#push(read.row);
  }

  /** Adds a row, to which the one before comes when it succeeds: what lies between is for its failure. */
  #push(row: Row): void {
    if (this.#passing) this.#passing.onZero = this.#passing.onPositive = row;
    this.#passing = undefined;
    this.rows.push(row);
  }

  /** An engine that has gone, or given up, answers with the end of the stream: the process ends. */
  #row(c: Call, sync: number): Row {
    return c.name === 'read' && c.args[0] === sync ? { call: c, onZero: this.#last } : { call: c };
  }

  #gate(sync: number): Row {
    const gate = this.#row(call('read', [sync, new Uint8Array(8), 1]), sync);
    this.#push({ call: call('write', [sync, 'x', 1]) });
    this.#push(gate);
    return gate;
  }

  /** Whether there is a gate before a step. */
  hasGate(step: Step<unknown>): boolean {
    return this.#gates.has(step);
  }

  /** Leads the gate before a step past it. Only while the process stands there. */
  skip(step: Step<unknown>, table: Table, tableFd: number): void {
    const { gate, end } = this.#gates.get(step)!;
    const target = new Uint8Array(8);
    new DataView(target.buffer).setBigUint64(0, BigInt(tableAddress + table.offsetOf(this.rows[end] ?? this.#after)), true);
    must(call('pwrite64', [tableFd, target, 8, table.offsetOf(gate) + rowLayout.next]));
  }

  /** What ran, in order. @param bytes the table as it is now @param ahead nanoseconds by which the clock that was read is ahead of ours */
  ran(table: Table, bytes: Uint8Array, lane: RanCall['lane'], ahead = 0n): RanCall[] {
    return this.#steps.flatMap((step) =>
      step.calls.flatMap((c) => {
        const returned = resultOf(table, this.#rowOf.get(c)!, bytes);
        if (returned === undefined) return [];
        const clock = this.#clocks.get(c);
        const ended = clock && timeOf(clock, table, bytes);
        return [{ step, call: c, lane, returned, ...(ended === undefined ? {} : { ended: ended - ahead }) }];
      }),
    );
  }
}
