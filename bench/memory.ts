/** What the engine's own processes keep in memory for each idle container, by the kernel's proportional set size (proc_pid_smaps(5)). */
import { readFileSync } from 'node:fs';
import type { TestEngine } from '../test/support/engine.ts';
import { processesOf } from '../test/support/inventory.ts';
import { idle } from './hakobune.ts';

/** KiB of PSS of hakod and the monitors. A container's own processes are told by having a second process id, in its namespace. */
function enginePss(engine: TestEngine): number {
  const own = processesOf(engine).filter(
    ({ pid }) =>
      (/^NSpid:(.*)$/m
        .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        ?.trim()
        .split(/\s+/).length ?? 1) === 1,
  );
  return own.map(({ pid }) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)).reduce((a, b) => a + b, 0);
}

/** Starts `count` idle containers and prints what each adds. */
export async function measureMemory(engine: TestEngine, count: number): Promise<void> {
  const ids = [await idle(engine)]; // the first makes the engine load what it needs
  const before = enginePss(engine);
  for (let i = 0; i < count; i++) ids.push(await idle(engine));
  const after = enginePss(engine);
  console.log(
    `\n### Memory of the engine per idle container\n\n${((after - before) / count).toFixed(1)} KiB PSS (${count} containers; hakod alone ${before} KiB)`,
  );
  for (const id of ids) await engine.api.ask('DELETE', `/containers/${id}?force=1`);
}
