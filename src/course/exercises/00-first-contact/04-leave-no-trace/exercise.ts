/** Kernel objects outlive the shells that made them: whoever makes them takes them away, and looks whether all are gone. */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

/** What is there now and was not before the mess was made. */
function leftovers(look: Look, kind: RegExp): string[] {
  const clean = JSON.parse(look.facts['clean']!) as string[];
  return look.inventory.now.filter((line) => kind.test(line) && !clean.includes(line));
}

const condition = (id: string, en: string, ja: string, kind: RegExp): Parameters<typeof defineExercise>[0]['conditions'][number] => ({
  id,
  says: { en, ja },
  check(look) {
    const left = leftovers(look, kind);
    return { ok: left.length === 0, found: left.join('; ') || { en: 'none', ja: 'なし' } };
  },
});

export default defineExercise({
  async setup(stage) {
    // The directory of names is a mount of its own, which stays when the last name goes.
    await stage.sh('hako net add first >/dev/null; hako net rm first >/dev/null');
    const clean = JSON.stringify(stage.inventory());
    await stage.sh(`
      mkdir -p /srv/data && mount -t tmpfs forgotten /srv/data
      hako net add lost >/dev/null
      hako cgroup make abandoned >/dev/null
      touch /root/kept-uts && unshare --uts=/root/kept-uts hostname forgotten
      setsid sleep 100000 >/dev/null 2>&1 </dev/null &
    `);
    return { clean };
  },
  conditions: [
    condition('processes', 'No process is left over', '余計なプロセスが残っていない', /^process /),
    condition('mounts', 'No mount is left over', '余計なマウントが残っていない', /^mount /),
    condition('cgroups', 'No cgroup is left over', '余計な cgroup が残っていない', /^cgroup /),
    condition(
      'network',
      'No interface, address or route is left over',
      '余計なインターフェース・アドレス・経路が残っていない',
      /^(interface|address|route|nf_tables) /,
    ),
  ],
});
