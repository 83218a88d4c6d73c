/** A caller for all tests of a file: made before the first, taken away after the last. */
import { after, before } from 'node:test';
import { CallerBench } from './bench.ts';
import type { Caller } from './compare.ts';

/** @param skip why no test of the file runs; then nothing is made @returns what gives the tests the caller */
export function onBench<C extends Caller>(skip: string | false, start: (bench: CallerBench) => Promise<C>): () => C {
  let bench: CallerBench | undefined;
  let caller: C | undefined;
  before(async () => {
    if (skip !== false) return;
    bench = await CallerBench.make();
    caller = await start(bench);
  });
  after(() => bench?.[Symbol.asyncDispose]());
  return () => caller!;
}
