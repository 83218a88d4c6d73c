/** What the engine's own processes keep in memory for each idle container, by the kernel's proportional set size (proc_pid_smaps(5)). */
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { startEngine, type TestEngine } from '../test/support/engine.ts';
import { processesOf } from '../test/support/inventory.ts';
import { idle } from './hakobune.ts';

/** KiB of PSS of hakod, and of the monitors. A container's own processes are told by having a second process id, in its namespace. */
function enginePss(engine: TestEngine): { readonly hakod: number; readonly monitors: number } {
  const own = processesOf(engine).filter(
    ({ pid }) =>
      (/^NSpid:(.*)$/m
        .exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
        ?.trim()
        .split(/\s+/).length ?? 1) === 1,
  );
  const pss = (pid: number): number => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  const monitors = own.filter(({ pid }) => pid !== engine.pid).reduce((sum, { pid }) => sum + pss(pid), 0);
  return { hakod: pss(engine.pid), monitors };
}

/** Idle means that the engine has rested for a while, too: long enough for it to give back what it does not use. */
const rest = (): Promise<void> => setTimeout(12_000);

/**
 * Starts `count` idle containers in an engine of their own and prints what each adds. As many are started and removed first: what an
 * engine's heap grows to at first, and has as garbage, is not a container's.
 */
export async function measureMemory(count: number): Promise<void> {
  await using engine = await startEngine();
  const start = async (): Promise<string[]> => {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push(await idle(engine));
    return ids;
  };
  const remove = async (ids: readonly string[]): Promise<void> => {
    for (const id of ids) await engine.api.ask('DELETE', `/containers/${id}?force=1`);
  };
  for (let round = 0; round < 2; round++) await remove(await start());
  await rest();
  const before = enginePss(engine);
  const ids = await start();
  await rest();
  const after = enginePss(engine);
  const each = (key: 'hakod' | 'monitors'): string => ((after[key] - before[key]) / count).toFixed(1);
  console.log(
    `\n### Memory of the engine per idle container\n\n${each('monitors')} KiB PSS of its monitor, ${each('hakod')} KiB of hakod ` +
      `(${count} containers; hakod from ${before.hakod} to ${after.hakod} KiB)`,
  );
  await remove(ids);
}
