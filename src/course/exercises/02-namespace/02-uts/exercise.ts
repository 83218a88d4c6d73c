/** UTS namespace: a hostname of one's own, which the machine never hears of. See uts_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import { hostNameOf } from '../../../look/sysctl.ts';

export default defineExercise({
  async setup(stage) {
    const name = `box-${stage.nonce().slice(0, 4)}`;
    await stage.sh('echo "$NAME" > /root/name', { NAME: name });
    return { name };
  },
  conditions: [
    {
      id: 'own-uts',
      says: { en: 'A process of yours is in a UTS namespace of its own', ja: 'あなたのプロセスのどれかが、独自の UTS namespace にいる' },
      check(look) {
        const isolated = look.others.filter((process) => process.has('uts'));
        return {
          ok: isolated.length > 0,
          found: isolated[0]
            ? { en: `process ${isolated[0].labPid} (${isolated[0].name}) is`, ja: `プロセス ${isolated[0].labPid}(${isolated[0].name})がいる` }
            : { en: `all ${look.others.length} processes share the lab's`, ja: `${look.others.length} 個のプロセスすべてがラボと同じ UTS namespace にいる` },
        };
      },
    },
    {
      id: 'named',
      says: { en: 'The hostname in it is the one in /root/name', ja: 'その中のホスト名が /root/name に書かれた名前である' },
      check(look) {
        const names = look.others.filter((process) => process.has('uts')).map((process) => hostNameOf(process));
        return {
          ok: names.includes(look.facts['name']),
          expected: look.facts['name']!,
          found: names.join(', ') || { en: 'no such namespace', ja: '該当する namespace がない' },
        };
      },
    },
    {
      id: 'lab-unchanged',
      says: { en: "The lab's own hostname is what it was", ja: 'ラボ自身のホスト名は変わっていない' },
      check: (look) => ({ ok: hostNameOf(look.host) === look.labName, expected: look.labName, found: hostNameOf(look.host) ?? '' }),
    },
  ],
});
