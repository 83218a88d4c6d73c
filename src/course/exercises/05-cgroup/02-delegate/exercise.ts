/** Subtrees: controllers for children (version 2), or the same name in several trees (version 1). See cgroups(7), "Controlling controllers". */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  needs: ['cgroup-cpu', 'cgroup-pids'],
  conditions: [
    {
      id: 'nested',
      says: {
        en: 'Below a cgroup of yours there is another one that has both the files of the CPU and of the process limit',
        ja: 'あなたの cgroup の下にもう 1 つ cgroup があり、CPU とプロセス数の両方の制限ファイルを持っている',
      },
      check(look) {
        const deep = (controller: string): string[] =>
          look
            .cgroupsWith(controller)
            .filter(({ name }) => name.split('/').length > 2 && !name.startsWith('/lab/'))
            .map(({ name }) => name);
        const withFiles = deep('cpu').filter((name) =>
          [look.cgroupsWith('cpu'), look.cgroupsWith('pids')].every((cgroups) =>
            cgroups.some((cgroup) => cgroup.name === name && (cgroup.cpuLimit !== undefined || cgroup.pidsLimit !== undefined)),
          ),
        );
        return {
          ok: withFiles.length > 0,
          found: withFiles.join(', ') || {
            en: `two levels deep: ${deep('cpu').join(', ') || 'nothing'} with cpu, ${deep('pids').join(', ') || 'nothing'} with pids`,
            ja: `2 段目にあるもの: cpu は ${deep('cpu').join('、') || 'なし'}、pids は ${deep('pids').join('、') || 'なし'}`,
          },
        };
      },
    },
    {
      id: 'inhabited',
      says: { en: 'A process is in the inner one, in both respects', ja: '内側の cgroup に、両方の面でプロセスがいる' },
      check(look) {
        const inner = look.others.filter((process) => {
          const names = [look.cgroupOf(process, 'cpu')?.name, look.cgroupOf(process, 'pids')?.name];
          return names[0] !== undefined && names[0] === names[1] && names[0].split('/').length > 2;
        });
        return { ok: inner.length > 0, found: inner.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'nobody is in it', ja: '誰もいない' } };
      },
    },
  ],
});
