/**
 * The same command lines with two runtimes: what a caller prints and how it ends must be the same with hako-oci as with runc, and
 * what the table says. A line is bash; what differs from run to run (ids, process ids, times) is written the same before comparing.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { CallerBench, Outcome } from './bench.ts';

/** hako-oci as a user calls it; `HAKO_OCI` names another one, so that the lines can be tried with runc in both places. */
const hakoOci = process.env.HAKO_OCI ?? join(import.meta.dirname, '../../../hako-oci');

/** The runtimes, by the names that the callers know them by. */
export const runtimes = { runc: '/usr/sbin/runc', 'hako-oci': hakoOci } as const;

/** A runtime's name. */
export type Runtime = keyof typeof runtimes;

/** A command line, and what comes of it. */
export interface Expected {
  readonly line: string;
  /** 0 if absent. */
  readonly status?: number;
  /** Standard output, whole, or what it matches; not looked at if absent. */
  readonly stdout?: string | RegExp;
  readonly stderr?: RegExp;
  readonly tty?: boolean;
  readonly input?: string;
  /** Standard output is another each time, and only `stdout` is asked. */
  readonly varies?: boolean;
  /** Where runc cannot, or does it otherwise: what it does instead. */
  readonly runc?: Pick<Expected, 'status' | 'stdout' | 'stderr'>;
}

/** How a caller is told which runtime, and how it gets rid of all it has. */
export interface Caller {
  readonly bench: CallerBench;
  readonly environment: (runtime: Runtime) => Readonly<Record<string, string>>;
  /** Removes every container, whatever failed before. */
  readonly removeAll: string;
}

/** Runs the lines, in order, with each runtime; fails with all that is not as it should be. */
export async function compare({ bench, environment, removeAll }: Caller, lines: readonly Expected[]): Promise<void> {
  const problems: string[] = [];
  const outcomes: Record<Runtime, Outcome[]> = { runc: [], 'hako-oci': [] };
  for (const runtime of Object.keys(runtimes) as Runtime[]) {
    const env = environment(runtime);
    for (const expected of lines) {
      const { line, tty, input } = expected;
      const outcome = await bench.run(line, { env, ...(tty ? { tty } : {}), ...(input === undefined ? {} : { input }) });
      outcomes[runtime].push(outcome);
      const wanted = runtime === 'runc' && expected.runc ? expected.runc : expected;
      for (const problem of differences(outcome, wanted)) {
        problems.push(
          `${runtime}: ${line}\n  ${problem}\n  status ${outcome.status}, stdout ${JSON.stringify(outcome.stdout)}, stderr ${JSON.stringify(outcome.stderr)}`,
        );
      }
    }
    await bench.run(removeAll, { env });
  }
  for (const [i, { line, varies, runc }] of lines.entries()) {
    const [ours, theirs] = [steady(outcomes['hako-oci'][i]!.stdout), steady(outcomes.runc[i]!.stdout)];
    if (!varies && !runc && ours !== theirs) problems.push(`other output than with runc: ${line}\n  ${JSON.stringify(ours)}\n  ${JSON.stringify(theirs)}`);
  }
  assert.ok(problems.length === 0, `\n${problems.join('\n')}\n`);
}

function differences(outcome: Outcome, expected: Pick<Expected, 'status' | 'stdout' | 'stderr'>): string[] {
  const { status = 0, stdout, stderr } = expected;
  const printed = outcome.stdout.replaceAll('\r\n', '\n');
  const problems: string[] = [];
  if (outcome.status !== status) problems.push(`the status is not ${status}`);
  if (typeof stdout === 'string' ? printed !== stdout : stdout && !stdout.test(printed)) problems.push(`stdout is not ${stdout}`);
  if (stderr && !stderr.test(outcome.stderr)) problems.push(`stderr is not ${stderr}`);
  return problems;
}

/** Without what is another each time. */
function steady(text: string): string {
  return text
    .replace(/\b[0-9a-f]{64}\b/g, 'ID')
    .replace(/\b[0-9a-f]{12}\b/g, 'SHORT')
    .replace(/:\[\d+\]/g, ':[INODE]')
    .replace(/\bhako-oci\b/g, 'runc');
}
