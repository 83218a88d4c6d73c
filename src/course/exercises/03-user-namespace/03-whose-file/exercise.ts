/** Whose is a file that root of a user namespace has made? See user_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import { statusOf } from '../../../look/files.ts';
import { labId } from '../../../look/user.ts';

export default defineExercise({
  async setup(stage) {
    const name = `made-${stage.nonce().slice(0, 6)}`;
    await stage.sh('echo "$NAME" > /tmp/name; mkdir -m 0777 /tmp/open; echo secret > /tmp/root-only; chmod 600 /tmp/root-only', { NAME: name });
    return { name };
  },
  conditions: [
    {
      id: 'made',
      says: { en: 'There is a file /tmp/open/{{fact:name}}', ja: 'ファイル /tmp/open/{{fact:name}} がある' },
      check: (look) =>
        ((found) => ({ ok: found !== undefined, found: found ? 'ok' : { en: 'there is none', ja: 'ない' } }))(
          statusOf(look.host, `/tmp/open/${look.facts['name']}`),
        ),
    },
    {
      id: 'owner',
      says: { en: 'To the lab it belongs to user 1000', ja: 'ラボから見た所有者は 1000 である' },
      check(look) {
        const found = statusOf(look.host, `/tmp/open/${look.facts['name']}`);
        const owner = found && labId(look, found.uid);
        return { ok: owner === 1000, expected: '1000', found: String(owner ?? '-') };
      },
    },
    {
      id: 'answered',
      says: {
        en: 'Your answer is its owner as seen in the namespace, and the owner of /tmp/root-only as seen there',
        ja: '答えが、namespace の中から見たその所有者と、/tmp/root-only の所有者の番号である',
      },
      check: (look) => ({ ok: look.answer === '0 65534', found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
