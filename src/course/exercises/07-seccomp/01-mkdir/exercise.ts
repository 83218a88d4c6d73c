/** A filter that forbids one system call and lets all others pass. See seccomp(2), SECCOMP_RET_ERRNO. */
import { defineExercise } from '../../../exercise.ts';
import { filtered, isRefused, reported, runsFiltered } from '../../../look/seccomp.ts';

const probe = { script: '/srv/probe/probe', state: '/srv/probe/state', error: '/srv/probe/error' };

export default defineExercise({
  needs: ['perl', 'engine'],
  async setup(stage) {
    await stage.sh(`mkdir -p /srv/probe && cat > /srv/probe/probe <<'END'
#!/bin/sh
# Tries again and again to make a directory, and writes down what happened.
while :; do
  if mkdir /srv/probe/d 2>/srv/probe/error; then rmdir /srv/probe/d; echo made > /srv/probe/state; else echo refused > /srv/probe/state; fi
  sleep 0.2
done
END
chmod 755 /srv/probe/probe`);
  },
  conditions: [
    runsFiltered(probe),
    isRefused(probe, {
      en: 'It can make no directory: "Operation not permitted"',
      ja: 'ディレクトリーを作れない(Operation not permitted)',
    }),
    {
      id: 'others',
      says: { en: 'Everything else works: it writes its report', ja: 'ほかのことはできている(結果を書き続けている)' },
      check: (look) => ({
        ok: reported(look, probe.state) !== undefined && filtered(look, probe.script).length > 0,
        found: reported(look, probe.state) ?? { en: 'no report', ja: '結果がない' },
      }),
    },
  ],
});
