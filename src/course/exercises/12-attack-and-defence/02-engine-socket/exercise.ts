/** The engine's socket in a container: who may talk to the engine is root of its machine. */
import { defineExercise } from '../../../exercise.ts';
import { isRootedElsewhere, named, plantSecret, secretTold } from '../secret.ts';

export default defineExercise({
  needs: ['engine', 'curl'],
  async setup(stage) {
    const secret = await plantSecret(stage);
    await stage.sh('hako run -d --name ci -v /run/hako/hako.sock:/run/hako/hako.sock base sleep infinity >/dev/null 2>&1');
    return { secret };
  },
  conditions: [
    {
      id: 'host-mounted',
      says: {
        en: "A container runs that has the lab's whole root file system mounted in it",
        ja: 'ラボのルートファイルシステム全体をマウントしたコンテナが動いている',
      },
      check(look) {
        const root = look.mountsOf(look.host).find(({ mountPoint }) => mountPoint === '/');
        const found = look.others
          .filter((process) => isRootedElsewhere(look, process))
          .flatMap((process) =>
            look
              .mountsOf(process)
              .filter((mount) => mount.device === root?.device && mount.root === '/')
              .map((mount) => ({ process, mount })),
          );
        return {
          ok: found.length > 0,
          found: found[0]
            ? {
                en: `${named(found[0].process)} has it on ${found[0].mount.mountPoint}`,
                ja: `${named(found[0].process)} の ${found[0].mount.mountPoint} にある`,
              }
            : { en: 'no container has it', ja: 'そのようなコンテナはない' },
        };
      },
    },
    secretTold,
  ],
});
