/** The secret of the lab's root, which the attacks of this chapter are after; and how containers tell themselves from the lab. */
import type { Condition, Stage } from '../../exercise.ts';
import type { Look } from '../../look/look.ts';
import type { LabProcess } from '../../../lab/processes.ts';

/** Plants `/root/secret`, which only the lab's root may read. @returns what is in it */
export async function plantSecret(stage: Stage): Promise<string> {
  const secret = stage.nonce();
  await stage.sh('umask 077 && echo "$SECRET" >/root/secret', { SECRET: secret });
  return secret;
}

/** The learner has told the secret. */
export const secretTold: Condition = {
  id: 'secret',
  says: { en: 'The answer is what the lab has in /root/secret', ja: '答えが、ラボの /root/secret の中身と一致する' },
  check: ({ answer, facts }) => ({
    ok: answer === facts['secret'],
    found:
      answer === undefined
        ? { en: 'no answer yet: answer SECRET', ja: 'まだ答えがない: answer 秘密' }
        : answer === facts['secret']
          ? { en: 'that is it', ja: 'そのとおり' }
          : { en: `"${answer}" is something else`, ja: `「${answer}」は別のもの` },
  }),
};

/** Whether a process has another root directory than the lab. */
export const isRootedElsewhere = (look: Look, process: LabProcess): boolean =>
  process.has('mnt') && process.root !== undefined && (process.root.device !== look.host.root?.device || process.root.inode !== look.host.root.inode);

/** A process as sentences name it. */
export const named = ({ labPid, name }: LabProcess): string => `pid ${labPid} (${name})`;
