/** A /dev of one's own: a few nodes, terminals, shared memory. See null(4), devpts, runtime-spec "Default Devices". */
import { defineExercise, type Condition } from '../../../exercise.ts';
import { S_IFCHR, S_IFMT } from '../../../../kernel/file-at.ts';
import { statusOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import { hasOtherRoot } from '../../../look/root.ts';
import { rootfsLines } from '../../../rootfs-lines.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const rooted = (look: Look): readonly LabProcess[] => look.others.filter((process) => hasOtherRoot(look, process));

const node = (name: string, minor: number): Condition => ({
  id: name,
  says: { en: `Its /dev/${name} is the character device 1:${minor}`, ja: `/dev/${name} がキャラクターデバイス 1:${minor} である` },
  check(look) {
    const all = rooted(look).map((process) => statusOf(process, `/dev/${name}`));
    const right = all.some((status) => status !== undefined && (status.mode & S_IFMT) === S_IFCHR && status.major === 1 && status.minor === minor);
    const found = all.find((status) => status !== undefined);
    return {
      ok: right,
      found:
        found === undefined
          ? { en: 'there is none', ja: 'ない' }
          : (found.mode & S_IFMT) === S_IFCHR
            ? `${found.major}:${found.minor}`
            : { en: 'a regular file or something else', ja: '通常のファイルなど、デバイスではないもの' },
    };
  },
});

const mounted = (id: string, place: string, type: string, en: string, ja: string): Condition => ({
  id,
  says: { en, ja },
  check(look) {
    const lab = look
      .mountsOf(look.host)
      .filter((mount) => mount.type === type)
      .map(({ device }) => device);
    const mounts = rooted(look).flatMap((process) => look.mountsOf(process).filter((mount) => mount.mountPoint === place && mount.type === type));
    return {
      ok: mounts.some(({ device }) => !lab.includes(device)),
      found:
        mounts.length === 0 ? { en: `no ${type} at ${place}`, ja: `${place} に ${type} がない` } : mounts.map(({ device }) => `${type} ${device}`).join(', '),
    };
  },
});

export default defineExercise({
  async setup(stage) {
    await stage.sh(rootfsLines('/root/rootfs'));
  },
  conditions: [
    {
      id: 'rooted',
      says: {
        en: 'A process of yours has another root than the lab, in a mount namespace of its own',
        ja: 'あなたのプロセスが、独自の mount namespace で、ラボとは別のルートを持っている',
      },
      check: (look) => ({
        ok: rooted(look).some((process) => process.has('mnt')),
        found: rooted(look)
          .map(({ labPid, name }) => `${labPid} ${name}`)
          .join(', ') || { en: 'none', ja: 'いない' },
      }),
    },
    node('null', 3),
    node('zero', 5),
    node('urandom', 9),
    mounted('pts', '/dev/pts', 'devpts', 'It has terminals of its own: a new devpts at /dev/pts', '独自の端末(/dev/pts の新しい devpts)がある'),
    mounted('shm', '/dev/shm', 'tmpfs', 'It has shared memory of its own: a tmpfs at /dev/shm', '独自の共有メモリー(/dev/shm の tmpfs)がある'),
  ],
});
