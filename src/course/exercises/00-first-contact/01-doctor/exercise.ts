/** What kind of machine this is: everything later depends on where the cgroups are, and whether user namespaces may be made. */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  async setup(stage) {
    // A limit of the lab's own user namespace, so that the number is nobody else's.
    const limit = String(2000 + (Number.parseInt(stage.nonce(), 16) % 7000));
    await stage.sh('echo "$LIMIT" > /proc/sys/user/max_user_namespaces', { LIMIT: limit });
  },
  conditions: [
    {
      id: 'form',
      says: { en: 'Your answer names the form of cgroups: v1, v2 or hybrid', ja: '答えの 1 語目が cgroup の形式(v1、v2、hybrid)と一致する' },
      check(look) {
        const [v1, v2] = [
          look.hierarchies.some(({ version, controllers }) => version === 1 && controllers.some((c) => !c.startsWith('name='))),
          look.hierarchies.some(({ version }) => version === 2),
        ];
        const form = v1 ? (v2 ? 'hybrid' : 'v1') : 'v2';
        const given = look.answer?.split(/\s+/)[0];
        return { ok: given === form, found: given ?? { en: 'no answer yet', ja: 'まだ答えがない' } };
      },
    },
    {
      id: 'limit',
      says: { en: 'Its second word is how many user namespaces may be made here', ja: '2 語目が、ここで作れる user namespace の数と一致する' },
      async check(look) {
        const { stdout } = await look.run(['cat', '/proc/sys/user/max_user_namespaces']);
        const given = look.answer?.split(/\s+/)[1];
        return { ok: given !== undefined && given === stdout.trim(), found: given ?? { en: 'no second word', ja: '2 語目がない' } };
      },
    },
  ],
});
