/**
 * Gives memory back while nobody asks for anything. V8 collects garbage when it needs room, and an engine that has started a hundred
 * containers and then rests would keep what it no longer uses, for hours: half a megabyte a container.
 */
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How often it is looked whether the engine rests, in milliseconds. */
const interval = 5000;
/** The share of the time in which an engine that rests may be busy. */
const restingShare = 0.05;

/** Begins to watch; it never keeps the process alive. A collection takes some 20 ms, once after each time of work. */
export function giveMemoryBackWhenIdle(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: { readonly type: string; readonly flavor: string }) => void;
  let since = performance.eventLoopUtilization();
  let worked = true;
  setInterval(() => {
    const resting = performance.eventLoopUtilization(since).utilization <= restingShare;
    since = performance.eventLoopUtilization();
    if (resting && worked) collect({ type: 'major', flavor: 'last-resort' });
    worked = !resting;
  }, interval).unref();
}
