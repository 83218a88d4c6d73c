/**
 * To be told when a container has run out of memory: version 2 shows it in a file that inotify(7) watches, version 1 writes to an
 * eventfd(2). Documentation/admin-guide/cgroup-v1/memory.rst, "OOM Control"; cgroup-v2.rst, "Memory Interface Files".
 */
import { closeSync, existsSync, openSync, read, watch, writeFileSync, writeSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { openFlags } from '../../kernel/flags.ts';
import { must } from '../../kernel/perform.ts';
import { readKeyed } from '../../kernel/cgroupfs.ts';
import { directoryOf, unifiedDirectory, type CgroupPlace } from '../../runtime/cgroup/cgroup.ts';

/** Something that goes on until it is closed. */
export interface Watch {
  close(): void;
}

/** Calls back each time the container's memory was used up. Without a memory controller it never is. */
export function watchOom(place: CgroupPlace, onOom: () => void): Watch {
  const directory = directoryOf(place, 'memory');
  if (directory === undefined) return { close() {} };
  return directory === unifiedDirectory(place) ? watchEvents(directory, onOom) : watchControl(directory, onOom);
}

function watchEvents(directory: string, onOom: () => void): Watch {
  const file = `${directory}/memory.events`;
  const kills = (): number => readKeyed(file)?.['oom_kill'] ?? 0;
  let known = kills();
  const watcher = watch(file, () => {
    const now = kills();
    if (now > known) onOom();
    known = now;
  });
  watcher.on('error', () => watcher.close()); // the cgroup is gone
  return watcher;
}

function watchControl(directory: string, onOom: () => void): Watch {
  const counter = must(call('eventfd2', [0, openFlags.O_CLOEXEC]));
  const control = openSync(`${directory}/memory.oom_control`, 'r');
  writeFileSync(`${directory}/cgroup.event_control`, `${counter} ${control}`);
  closeSync(control);
  let closed = false;
  const next = (): void =>
    read(counter, Buffer.alloc(8), 0, 8, null, (error) => {
      // The kernel writes to it once more when the cgroup is removed, and so do we to end the wait.
      if (error || closed || !existsSync(directory)) return closeSync(counter);
      onOom();
      next();
    });
  next();
  return {
    close() {
      if (closed) return;
      closed = true;
      writeSync(counter, one);
    },
  };
}

/** What is added to an eventfd's counter, as a number of 64 bits. */
const one = new Uint8Array(new BigUint64Array([1n]).buffer);
