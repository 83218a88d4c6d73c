/** From a privileged container that sees the host's processes into the host. See setns(2), proc_pid_root(5). */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';
import type { LabProcess } from '../../../../lab/processes.ts';
import { named, plantSecret, secretTold } from '../secret.ts';

/** The container's first process; undefined when it has ended. */
const boxOf = (look: Look): LabProcess | undefined => look.others.find(({ labPid }) => String(labPid) === look.facts['box']);

/** The processes that were started in debug, whatever they have entered since: they are in its cgroup, or have a forefather inside. */
function ofDebug(look: Look): readonly LabProcess[] {
  const box = boxOf(look);
  if (!box) return [];
  const own = [...box.cgroups].filter(([controller, path]) => look.host.cgroups.get(controller) !== path);
  const descends = ({ parent }: LabProcess): boolean => {
    const above = look.process(parent);
    return above !== undefined && (above.namespaces.mnt === box.namespaces.mnt || descends(above));
  };
  return look.others.filter((process) => descends(process) || own.some(([controller, path]) => process.cgroups.get(controller) === path));
}

export default defineExercise({
  needs: ['engine'],
  async setup(stage) {
    const secret = await plantSecret(stage);
    const box = await stage.sh(
      'hako run -d --name debug --privileged --pid host base sleep infinity >/dev/null 2>&1 && hako inspect --format "{{.State.Pid}}" debug',
    );
    return { secret, box: box.trim() };
  },
  conditions: [
    {
      id: 'debug-runs',
      says: { en: 'The container debug runs', ja: 'コンテナ debug が動いている' },
      check(look) {
        const box = boxOf(look);
        return { ok: box !== undefined, found: box ? named(box) : { en: 'it has ended', ja: '終了している' } };
      },
    },
    {
      id: 'escaped',
      says: {
        en: "A process that was started in debug has the lab's own mounts and root directory",
        ja: 'debug の中で起動されたプロセスが、ラボ自身のマウントとルートディレクトリーを持っている',
      },
      check(look) {
        const all = ofDebug(look);
        const out = all.filter(
          (process) => !process.has('mnt') && process.root?.inode === look.host.root?.inode && process.root?.device === look.host.root?.device,
        );
        return {
          ok: out.length > 0,
          found: out[0]
            ? named(out[0])
            : { en: `all ${all.length} processes of debug are inside`, ja: `debug の ${all.length} 個のプロセスは、すべて中にいる` },
        };
      },
    },
    secretTold,
  ],
});
