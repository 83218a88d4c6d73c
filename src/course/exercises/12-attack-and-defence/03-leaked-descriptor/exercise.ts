/** A runtime that forgets to close a directory of the host's: the shape of CVE-2024-21626. See open(2), pivot_root(2), close_range(2). */
import { readdirSync } from 'node:fs';
import { call } from '../../../../kernel/call.ts';
import { closeFd, mountIdOf } from '../../../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../../../kernel/flags.ts';
import { performNow } from '../../../../kernel/perform.ts';
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { attempt } from '../../../../kernel/attempt.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { isRootedElsewhere, named, plantSecret, secretTold } from '../secret.ts';

const toy = `#!/bin/bash
# toy COMMAND...: runs a command in a container. A runtime in a few lines.
exec 8</   # the host's root, kept at hand for the clean-up afterwards
exec unshare --mount --pid --fork bash -ec '
  mount -t tmpfs toy /mnt
  mkdir /mnt/usr /mnt/proc /mnt/old
  mount --bind /usr /mnt/usr
  for d in bin sbin lib lib32 lib64 libx32; do
    if [ -L /$d ]; then cp -P /$d /mnt/$d
    elif [ -d /$d ]; then mkdir /mnt/$d; mount --bind /$d /mnt/$d; fi
  done
  mount -t proc proc /mnt/proc
  cd /mnt
  pivot_root . old
  umount -l /old
  rmdir /old
  exec "$@"
' toy "\${@:-bash}"
`;

/** Whether what a path of /proc leads to is a directory of a mount that the process itself does not have: a way out of its root. */
function leadsOut(look: Look, process: LabProcess, path: string): boolean {
  const fd = performNow(call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
  if (fd < 0) return false;
  try {
    const mount = mountIdOf(fd);
    return !look.mountsOf(process).some(({ id }) => id === mount);
  } finally {
    closeFd(fd);
  }
}

/** What leads a process out of its root: its working directory, or open directories. */
function leaks(look: Look, process: LabProcess): string[] {
  const directory = `/proc/${process.pid}`;
  const descriptors = attempt(() => readdirSync(`${directory}/fd`)) ?? [];
  const open = descriptors.filter((fd) => leadsOut(look, process, `${directory}/fd/${fd}`)).map((fd) => `fd ${fd}`);
  return [...(leadsOut(look, process, `${directory}/cwd`) ? ['cwd'] : []), ...open];
}

/** The processes of containers: first of their PID namespace, or beneath, with a root of their own. */
const contained = (look: Look): { process: LabProcess; leaks: string[] }[] =>
  look.others.filter((process) => process.has('pid') && isRootedElsewhere(look, process)).map((process) => ({ process, leaks: leaks(look, process) }));

const text = (found: ReturnType<typeof contained>): string =>
  found.map(({ process, leaks: open }) => `${named(process)}: ${open.join(', ') || '-'}`).join('; ');
const none = { en: 'no container of toy runs', ja: 'toy のコンテナが動いていない' };

export default defineExercise({
  async setup(stage) {
    const secret = await plantSecret(stage);
    await stage.sh('printf %s "$TOY" >/root/toy && chmod 755 /root/toy', { TOY: toy });
    return { secret };
  },
  conditions: [
    secretTold,
    {
      id: 'outside',
      says: {
        en: "A process whose root is a container's has its working directory in the lab",
        ja: 'ルートはコンテナの中なのに、作業ディレクトリーがラボにあるプロセスがいる',
      },
      check(look) {
        const found = contained(look);
        return { ok: found.some(({ leaks: open }) => open.includes('cwd')), expected: 'cwd', found: text(found) || none };
      },
    },
    {
      id: 'sealed',
      says: {
        en: 'A container runs of which no process holds a directory of the lab',
        ja: 'どのプロセスもラボのディレクトリーを持っていないコンテナが動いている',
      },
      check(look) {
        const found = contained(look);
        const byNamespace = Map.groupBy(found, ({ process }) => process.namespaces.pid);
        return { ok: [...byNamespace.values()].some((container) => container.every(({ leaks: open }) => open.length === 0)), found: text(found) || none };
      },
    },
  ],
});
