/**
 * Has every call to the kernel fail in every plausible way, in everything that an engine or hako-oci does with a container, and says what came
 * of it. `npm test` tries a sample of it. Takes an hour or more. Usage: faults.ts [PART-OF-A-SCENARIO'S-NAME…]
 *
 * The last line is `N passed, N failed, N skipped`, alone; what is skipped are calls that were not made when they were to fail.
 */
import { FaultBench } from '../test/support/fault-bench.ts';
import { tryAll, type Bench, type Case } from '../test/support/fault-run.ts';
import { OciFaultBench, ociScenarios } from '../test/support/oci-fault-bench.ts';
import { scenarios } from '../test/support/fault-scenarios.ts';

const wanted = process.argv.slice(2);
const isWanted = ({ name }: { readonly name: string }): boolean => wanted.length === 0 || wanted.some((part) => name.includes(part));
const count = { passed: 0, failed: 0, skipped: 0 };

/** Tries all cases of those scenarios that are wanted. */
async function tryScenarios<S extends { readonly name: string }, C extends Case>(
  open: () => Bench<C> & { cases(scenario: S): Promise<C[]>; close(): Promise<void> },
  all: readonly S[],
): Promise<void> {
  const chosen = all.filter(isWanted);
  if (chosen.length === 0) return;
  const bench = open();
  try {
    for (const scenario of chosen) await tryScenario(bench, scenario.name, await bench.cases(scenario));
  } finally {
    await bench.close();
  }
}

async function tryScenario<C extends Case>(bench: Bench<C>, name: string, cases: readonly C[]): Promise<void> {
  const began = performance.now();
  console.log(`… ${name}: ${cases.length} cases`);
  const { calls, tried, notMet, wrong } = await tryAll(bench, cases, 8, console.log);
  count.passed += tried - wrong.size;
  count.failed += wrong.size;
  count.skipped += notMet.length;
  const seconds = Math.round((performance.now() - began) / 1000);
  console.log(
    `${wrong.size === 0 ? '✔' : '✖'} ${name}: ${calls} calls × their errnos = ${cases.length}, ${wrong.size} wrong, ${notMet.length} not made (${seconds} s)`,
  );
  for (const title of notMet) console.log(`    not made: ${title}`);
}

await tryScenarios(() => new OciFaultBench(), ociScenarios);
await tryScenarios(() => new FaultBench(), scenarios);
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed === 0 ? 0 : 1);
