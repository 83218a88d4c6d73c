/** `hako-oci events`: what a container uses, again and again, and that it ran out of memory; a line of JSON each, until it ends. */
import { isAlive } from '../../kernel/process-stat.ts';
import { watch } from 'node:fs';
import { unifiedDirectory, type CgroupPlace } from '../../runtime/cgroup/cgroup.ts';
import { placeOf } from '../cgroup-place.ts';
import { defineCommand } from '../command.ts';
import { formatJson } from '../config/json.ts';
import type { ContainerRecord } from '../container-record.ts';
import { OciError } from '../error.ts';
import { figures } from '../events/figures.ts';
import { watchOom } from '../events/oom.ts';
import { print } from '../print.ts';
import { StateStore } from '../state-store.ts';

/** How often it is looked whether the container has ended, in milliseconds, where no file of the kernel's tells. */
const lookInterval = 1000;

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: {
    interval: { kind: 'string', placeholder: 'duration', help: 'the time between two lines of figures', default: '5s' },
    stats: { kind: 'bool', help: 'one line of figures, and no more' },
  },
  async run({ flags, args: [id] }, { root }) {
    const interval = milliseconds(flags.interval ?? '5s');
    const store = new StateStore(root);
    const record = store.read(id!);
    if (store.status(record) === 'stopped') throw new OciError(`container with id ${id} is not running`);
    const place = placeOf(record.cgroup);
    if (place.hierarchies.length === 0) throw new OciError(`the container ${id} has no cgroup of its own, which alone counts what it uses`);
    const tell = (type: string, data?: object): void => print(`${formatJson({ type, id, ...(data && { data }) })}\n`);
    if (flags.stats) return tell('stats', figures(place));

    const oom = watchOom(place, () => tell('oom'));
    const timer = setInterval(() => tell('stats', figures(place)), interval);
    await ended(record, place);
    clearInterval(timer);
    oom.close();
  },
});

/** Resolves when the container's first process has ended. */
function ended(record: ContainerRecord, place: CgroupPlace): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (record.process && isAlive(record.process)) return;
      clearInterval(timer);
      watcher?.close();
      resolve();
    };
    const timer = setInterval(look, lookInterval);
    const watcher = watchPopulated(place, look);
    look();
  });
}

/** Version 2 tells when the last process of a cgroup has left it. */
function watchPopulated(place: CgroupPlace, look: () => void): { close(): void } | undefined {
  const unified = unifiedDirectory(place);
  if (unified === undefined) return undefined;
  try {
    const watcher = watch(`${unified}/cgroup.events`, look);
    return watcher.on('error', () => watcher.close());
  } catch {
    return undefined; // it is gone, or there are no more watches: the interval finds out
  }
}

/** Go's durations: `5s`, `1m30s`, `500ms`. */
const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(duration: string): number {
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== duration)
    throw new OciError(`invalid value "${duration}" of --interval: use one such as 5s or 1m30s`);
  const total = parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit!]!, 0);
  if (total <= 0) throw new OciError('duration interval must be greater than 0');
  return Math.min(Math.max(total, 1), 2 ** 31 - 1);
}
