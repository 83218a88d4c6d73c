/** Why ping works without a capability: ICMP sockets for groups that a parameter names. See icmp(7), "ping_group_range". */
import { defineExercise } from '../../../exercise.ts';

/** Opens an ICMP socket of the kind in user 1000's name. */
const asLearner = (type: number): string[] => [
  'setpriv',
  '--reuid',
  '1000',
  '--regid',
  '1000',
  '--clear-groups',
  '--bounding-set=-all',
  'perl',
  '-e',
  `socket(S, 2, ${type}, 1) or die "$!\\n"`,
];
const [SOCK_DGRAM, SOCK_RAW] = [2, 3];

export default defineExercise({
  needs: ['perl'],
  conditions: [
    {
      id: 'datagram',
      says: {
        en: 'User 1000 may open an ICMP datagram socket, without any capability',
        ja: 'ユーザー 1000 が、capability なしで ICMP のデータグラムソケットを開ける',
      },
      async check(look) {
        const { code, stderr } = await look.run(asLearner(SOCK_DGRAM));
        return { ok: code === 0, found: code === 0 ? 'ok' : stderr.trim() };
      },
    },
    {
      id: 'raw',
      says: { en: 'A raw socket it still may not open', ja: 'raw ソケットは、いまも開けない' },
      async check(look) {
        const { code, stderr } = await look.run(asLearner(SOCK_RAW));
        return { ok: code !== 0 && /not permitted/.test(stderr), found: code === 0 ? { en: 'it may', ja: '開ける' } : stderr.trim() };
      },
    },
    {
      id: 'others',
      says: { en: 'Group 65534 may not open either', ja: 'グループ 65534 は、どちらも開けない' },
      async check(look) {
        const { code, stderr } = await look.run([
          'setpriv',
          '--reuid',
          '65534',
          '--regid',
          '65534',
          '--clear-groups',
          '--bounding-set=-all',
          'perl',
          '-e',
          'socket(S, 2, 2, 1) or die "$!\n"',
        ]);
        return { ok: code !== 0, found: code === 0 ? { en: 'it may', ja: '開ける' } : stderr.trim() };
      },
    },
  ],
});
