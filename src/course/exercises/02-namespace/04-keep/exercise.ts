/** A namespace without a process: kept by a bind mount of its file. See namespaces(7), "Namespace lifetime". */
import { defineExercise } from '../../../exercise.ts';
import type { Look } from '../../../look/look.ts';

/** UTS namespaces that are mounted somewhere in the lab: by inode, and where. */
const kept = (look: Look): readonly { readonly inode: number; readonly path: string }[] =>
  look.mountsOf(look.host).flatMap(({ type, root, mountPoint }) => {
    const inode = /^uts:\[(\d+)\]$/.exec(root)?.[1];
    return type === 'nsfs' && inode !== undefined ? [{ inode: Number(inode), path: mountPoint }] : [];
  });

const empty = (look: Look): ReturnType<typeof kept> => kept(look).filter(({ inode }) => !look.processes.some(({ namespaces }) => namespaces.uts === inode));

export default defineExercise({
  async setup(stage) {
    const name = `kept-${stage.nonce().slice(0, 4)}`;
    await stage.sh('echo "$NAME" > /root/name', { NAME: name });
    return { name };
  },
  conditions: [
    {
      id: 'mounted',
      says: { en: 'A UTS namespace is mounted on a file', ja: 'UTS namespace がファイルの上にマウントされている' },
      check: (look) => ({
        ok: kept(look).length > 0,
        found: kept(look)
          .map(({ path }) => path)
          .join(', ') || { en: 'no mount of type nsfs', ja: 'nsfs 型のマウントがない' },
      }),
    },
    {
      id: 'empty',
      says: { en: 'No process is in it', ja: 'その中にプロセスは 1 つもいない' },
      check(look) {
        const inhabited = kept(look).flatMap(({ inode, path }) =>
          look.processes.filter(({ namespaces }) => namespaces.uts === inode).map(({ labPid, name }) => `${path}: ${labPid} ${name}`),
        );
        return {
          ok: empty(look).length > 0,
          found: inhabited.join(', ') ||
            empty(look)
              .map(({ path }) => path)
              .join(', ') || { en: 'nothing is kept', ja: '維持されているものがない' },
        };
      },
    },
    {
      id: 'enters',
      says: { en: 'It can still be entered, and has the name from /root/name', ja: 'いまでも入ることができ、/root/name の名前が付いている' },
      async check(look) {
        const names: string[] = [];
        for (const { path } of empty(look)) names.push((await look.run(['nsenter', `--uts=${path}`, 'hostname'])).stdout.trim());
        return { ok: names.includes(look.facts['name']!), expected: look.facts['name']!, found: names.join(', ') || { en: 'there is none', ja: 'まだない' } };
      },
    },
  ],
});
