/** Parts of /proc and /sys that a container must not see or change. See runtime-spec "Masked Paths", "Readonly Paths". */
import { defineExercise } from '../../../exercise.ts';
import { S_IFCHR, S_IFMT } from '../../../../kernel/file-at.ts';
import { statusOf } from '../../../look/files.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';

const own = (look: Look): readonly LabProcess[] => look.others.filter((process) => process.has('mnt'));

export default defineExercise({
  conditions: [
    {
      id: 'read-only',
      says: { en: 'In a mount namespace of yours /proc/sys cannot be written', ja: 'あなたの mount namespace で、/proc/sys に書き込めない' },
      check(look) {
        const modes = own(look).map((process) =>
          look
            .mountsOf(process)
            .findLast(({ mountPoint }) => mountPoint === '/proc/sys')
            ?.options.find((option) => option === 'ro' || option === 'rw'),
        );
        return {
          ok: modes.includes('ro'),
          expected: 'ro',
          found: modes.filter(Boolean).join(', ') || { en: 'nothing is mounted at /proc/sys', ja: '/proc/sys に何もマウントされていない' },
        };
      },
    },
    {
      id: 'masked',
      says: { en: 'Its /proc/keys shows nothing: it is a null device', ja: '/proc/keys には何も見えない(null デバイスになっている)' },
      check(look) {
        const masked = own(look).filter((process) => {
          const status = statusOf(process, '/proc/keys');
          return status !== undefined && (status.mode & S_IFMT) === S_IFCHR && status.major === 1 && status.minor === 3;
        });
        return {
          ok: masked.length > 0,
          expected: '1:3',
          found: masked.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || {
            en: 'it is the file of the kernel',
            ja: 'カーネルのファイルのままである',
          },
        };
      },
    },
    {
      id: 'covered',
      says: { en: 'Its /proc/irq is covered by an empty tmpfs', ja: '/proc/irq が空の tmpfs で覆われている' },
      check(look) {
        const covered = own(look).filter((process) => look.mountsOf(process).some(({ mountPoint, type }) => mountPoint === '/proc/irq' && type === 'tmpfs'));
        return {
          ok: covered.length > 0,
          found: covered.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'no tmpfs there', ja: 'tmpfs がない' },
        };
      },
    },
    {
      id: 'lab',
      says: { en: 'The lab itself is as it was', ja: 'ラボ自身は元のままである' },
      check(look) {
        const extra = look.mountsOf(look.host).filter(({ mountPoint }) => mountPoint.startsWith('/proc/'));
        return {
          ok: extra.length === 0,
          found: extra.map(({ mountPoint }) => mountPoint).join(', ') || { en: 'nothing is mounted in /proc', ja: '/proc の中に何もマウントされていない' },
        };
      },
    },
  ],
});
