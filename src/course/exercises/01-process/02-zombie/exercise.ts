/** A zombie: a process that has ended and whose parent has not asked how; and an orphan, whom process 1 takes in. See wait(2). */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  conditions: [
    {
      id: 'zombie',
      once: true,
      says: { en: 'There was a zombie: ended, and not asked for', ja: 'ゾンビ(終了したが、まだ確認されていないプロセス)がいた' },
      check(look) {
        const zombies = look.others.filter(({ state }) => state === 'Z');
        return {
          ok: zombies.length > 0,
          found: zombies.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'no process in state Z', ja: '状態 Z のプロセスがない' },
        };
      },
    },
    {
      id: 'reaped',
      says: { en: 'It is gone again', ja: 'そのゾンビはもういない' },
      check(look) {
        const zombies = look.others.filter(({ state }) => state === 'Z');
        return { ok: zombies.length === 0, found: zombies.map(({ labPid, name }) => `${labPid} ${name}`).join(', ') || { en: 'none', ja: 'いない' } };
      },
    },
    {
      id: 'orphan',
      says: { en: "A sleep of yours has the lab's process 1 as its parent", ja: 'あなたの sleep の親が、ラボのプロセス 1 になっている' },
      check(look) {
        const orphans = look.others.filter(({ parent, name, args }) => parent === look.host.pid && name === 'sleep' && args[1] !== 'infinity');
        const others = look.others.filter(({ name, args }) => name === 'sleep' && args[1] !== 'infinity');
        const parents = others.map(({ labPid, parent }) => `${labPid} < ${look.process(parent)?.labPid ?? 0}`).join(', ');
        return { ok: orphans.length > 0, found: parents || { en: 'no such sleep', ja: '該当する sleep がない' } };
      },
    },
  ],
});
