/** config.json: a container as a file, and each line of it found again in the kernel. See runtime-spec config.md. */
import { defineExercise, type Condition } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { hostNameOf } from '../../../look/sysctl.ts';
import { userOf } from '../../../look/user.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const MiB = 2 ** 20;
const contained = (look: Look): readonly LabProcess[] =>
  look.others.filter(
    (process) => process.has('mnt') && process.has('pid') && process.has('uts') && hasOtherRoot(look, process) && process.args[0] !== 'hako-monitor',
  );

const demand = (
  id: string,
  en: string,
  ja: string,
  holds: (look: Look, process: LabProcess) => boolean,
  show: (look: Look, process: LabProcess) => string,
): Condition => ({
  id,
  says: { en, ja },
  check(look) {
    const all = contained(look);
    return {
      ok: all.some((process) => holds(look, process)),
      found: all.map((process) => show(look, process)).join(', ') || { en: 'no container runs', ja: '動いているコンテナがない' },
    };
  },
});

export default defineExercise({
  needs: ['cgroup-memory'],
  async setup(stage) {
    const seed = Number.parseInt(stage.nonce(), 16);
    const [name, memory] = [`oci-${stage.nonce().slice(0, 4)}`, String(40 + (seed % 40))];
    await stage.sh(
      `${rootfsLines('/root/bundle/rootfs')}
      printf 'hostname: %s\\nmemory limit: %s MiB\\nuser: 1000\\nroot: read-only\\n' "$NAME" "$MEMORY" > /root/wanted`,
      { NAME: name, MEMORY: memory },
    );
    return { name, memory };
  },
  conditions: [
    demand(
      'hostname',
      'A container runs with the hostname from /root/wanted',
      '/root/wanted のホスト名を持つコンテナが動いている',
      (look, p) => hostNameOf(p) === look.facts['name'],
      (_, p) => hostNameOf(p) ?? '-',
    ),
    demand(
      'memory',
      'Its memory limit is the wanted one',
      'メモリーの上限が指定どおりである',
      (look, p) => look.cgroupOf(p, 'memory')?.memoryLimit === Number(look.facts['memory']) * MiB,
      (look, p) => String(look.cgroupOf(p, 'memory')?.memoryLimit ?? '-'),
    ),
    demand(
      'user',
      'It runs as user 1000',
      'ユーザー 1000 で動いている',
      (look, p) => userOf(look, p) === 1000,
      (look, p) => String(userOf(look, p) ?? '-'),
    ),
    demand(
      'read-only',
      'Its root is read-only',
      'ルートが読み取り専用である',
      (look, p) =>
        look
          .mountsOf(p)
          .find(({ mountPoint }) => mountPoint === '/')
          ?.options.includes('ro') === true,
      (look, p) =>
        look
          .mountsOf(p)
          .find(({ mountPoint }) => mountPoint === '/')
          ?.options.slice(0, 1)
          .join('') ?? '-',
    ),
  ],
});
