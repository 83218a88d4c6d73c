/** A filter that looks at an argument: no user namespaces, but processes as ever. See seccomp(2), clone3(2). */
import { defineExercise } from '../../../exercise.ts';
import { filtered, isRefused, reported, runsFiltered } from '../../../look/seccomp.ts';

const probe = { script: '/srv/probe/probe', state: '/srv/probe/state', error: '/srv/probe/error' };

export default defineExercise({
  needs: ['perl', 'engine'],
  async setup(stage) {
    await stage.sh(`mkdir -p /srv/probe && cat > /srv/probe/probe <<'END'
#!/bin/sh
# Tries again and again to make a user namespace, and an ordinary child, and writes down what happened.
while :; do
  if unshare --user true 2>/srv/probe/error; then echo made > /srv/probe/state; else echo refused > /srv/probe/state; fi
  if (exit 7); [ $? = 7 ] && /usr/bin/true; then echo born > /srv/probe/child; else echo none > /srv/probe/child; fi
  sleep 0.2
done
END
chmod 755 /srv/probe/probe`);
  },
  conditions: [
    runsFiltered(probe),
    isRefused(probe, {
      en: 'It can make no user namespace: "Operation not permitted"',
      ja: 'user namespace を作れない(Operation not permitted)',
    }),
    {
      id: 'born',
      says: { en: 'It can have children as ever', ja: 'ふつうの子は、これまでどおり作れる' },
      check: (look) => ({
        ok: filtered(look, probe.script).length > 0 && reported(look, '/srv/probe/child') === 'born',
        found: reported(look, '/srv/probe/child') ?? '-',
      }),
    },
  ],
});
