/** Which devices a cgroup may open: the list of version 1. See cgroup-v1/devices.rst. */
import { defineExercise } from '../../../exercise.ts';
import type { Look, Ran } from '../../../look/look.ts';

/** Reads a byte of a device from within a cgroup. */
const readIn = (look: Look, cgroup: string, device: string): Promise<Ran> =>
  look.run(['sh', '-c', 'echo $$ > "/sys/fs/cgroup/devices$0/cgroup.procs" && exec head -c 1 "$1"', cgroup, device]);

export default defineExercise({
  needs: ['cgroup-devices'],
  realRoot: { en: "only the machine's root may change a device list", ja: 'デバイスの一覧を変えられるのは、マシンの root だけ' },
  conditions: [
    {
      id: 'refused',
      says: {
        en: 'Whoever is in a cgroup of yours may read /dev/null and not /dev/zero',
        ja: 'あなたの cgroup の中では、/dev/null は読めて /dev/zero は読めない',
      },
      async check(look) {
        const seen: string[] = [];
        for (const { name } of look.cgroupsWith('devices')) {
          const [none, zero] = [await readIn(look, name, '/dev/null'), await readIn(look, name, '/dev/zero')];
          seen.push(`${name}: ${zero.code === 0 ? 'ok' : zero.stderr.trim().replace(/^.*: /, '')}`);
          if (none.code === 0 && zero.code !== 0 && /Operation not permitted/.test(zero.stderr)) return { ok: true, found: seen.join(', ') };
        }
        return { ok: false, found: seen.join(', ') || { en: 'no cgroup in the tree of devices', ja: 'デバイスの木に cgroup がない' } };
      },
    },
    {
      id: 'lab',
      says: { en: 'The lab itself still may', ja: 'ラボ自身はこれまでどおり読める' },
      async check(look) {
        const { code } = await look.run(['head', '-c', '1', '/dev/zero']);
        return { ok: code === 0, found: code === 0 ? 'ok' : `${code}` };
      },
    },
  ],
});
