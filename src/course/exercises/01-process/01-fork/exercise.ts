/** How a process comes to be: fork, exec, wait, counted by watching a program do it. See fork(2), execve(2), wait(2), strace(1). */
import { defineExercise } from '../../../exercise.ts';

export default defineExercise({
  async setup(stage) {
    const children = 3 + (Number.parseInt(stage.nonce(), 16) % 7);
    await stage.sh(
      `printf '#!/bin/sh\\n# Starts some programs, one after the other, and says nothing.\\nset -- %s\\nwhile [ "$1" -gt 0 ]; do /usr/bin/true; set -- $(($1 - 1)); done\\n' "$(($CHILDREN))" > /root/secretive && chmod 711 /root/secretive
       printf '#!/bin/sh\\nexec /root/secretive\\n' > /root/mystery && chmod 755 /root/mystery`,
      { CHILDREN: String(children) },
    );
    return { children: String(children) };
  },
  conditions: [
    {
      id: 'counted',
      says: { en: 'Your answer is how many processes /root/mystery starts', ja: '答えが、/root/mystery の起動するプロセスの数と一致する' },
      check: (look) => ({ ok: look.answer === look.facts['children'], found: look.answer ?? { en: 'no answer yet', ja: 'まだ答えがない' } }),
    },
  ],
});
