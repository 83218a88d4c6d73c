/** A new network namespace: nothing in it but a loopback interface that is down. See network_namespaces(7). */
import { defineExercise } from '../../../exercise.ts';
import { networksOf, wordsFrom } from '../../../look/network.ts';
import { plantServer, told } from '../server.ts';

export default defineExercise({
  needs: ['perl', 'ip'],
  setup: async (stage) => ({ word: await plantServer(stage) }),
  conditions: [
    {
      id: 'own-network',
      says: { en: 'A process of yours is in a network namespace of its own', ja: 'あなたのプロセスのどれかが、独自の network namespace にいる' },
      check(look) {
        const found = networksOf(look)
          .others()
          .filter(({ processes }) => processes.length > 0);
        return {
          ok: found.length > 0,
          found: found[0] ? found[0].label : { en: "all are in the lab's", ja: '全員がラボの network namespace にいる' },
        };
      },
    },
    {
      id: 'loopback-up',
      says: { en: 'The loopback interface in it is up', ja: 'その中の lo が up になっている' },
      check(look) {
        const others = networksOf(look).others();
        return {
          ok: others.some(({ loopback }) => loopback?.up),
          expected: 'lo UP',
          found: others.map(({ label, loopback }) => `${label}: lo ${loopback?.up ? 'UP' : 'DOWN'}`).join(', ') || {
            en: 'no such namespace',
            ja: '該当する namespace がない',
          },
        };
      },
    },
    {
      id: 'answers-inside',
      says: { en: 'In it, 127.0.0.1:8080 answers with the word', ja: 'その中では、127.0.0.1:8080 が合言葉を返す' },
      async check(look) {
        for (const network of networksOf(look)
          .others()
          .filter(({ loopback }) => loopback?.up)) {
          if (told(await wordsFrom(look, network, '127.0.0.1', 8080)).word === look.facts['word'])
            return { ok: true, found: { en: `it does, in ${network.label}`, ja: `${network.label} で返ってきた` } };
        }
        return { ok: false, found: { en: 'nobody answers', ja: '誰も応答しない' } };
      },
    },
    {
      id: 'silent-outside',
      says: { en: 'Seen from the lab, nothing listens on 127.0.0.1:8080', ja: 'ラボからは、127.0.0.1:8080 に誰もいない' },
      async check(look) {
        const answer = await wordsFrom(look, networksOf(look).host!, '127.0.0.1', 8080);
        return {
          ok: answer === undefined,
          found: answer === undefined ? { en: 'nobody answers', ja: '誰も応答しない' } : { en: `somebody answers: ${answer}`, ja: `応答があった: ${answer}` },
        };
      },
    },
  ],
});
