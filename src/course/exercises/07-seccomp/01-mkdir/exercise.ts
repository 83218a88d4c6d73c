/** A filter that forbids one system call and lets all others pass. See seccomp(2), SECCOMP_RET_ERRNO. */
import { defineExercise } from '../../../exercise.ts';
import { filtered, reported } from '../../../look/seccomp.ts';

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
    {
      id: 'filtered',
      says: {
        en: 'A process that runs /srv/probe/probe is under a seccomp filter',
        ja: '/srv/probe/probe を実行するプロセスに、seccomp フィルターがかかっている',
      },
      check(look) {
        const all = look.others.filter(({ args }) => args.some((arg) => arg.endsWith('/probe')));
        return {
          ok: filtered(look, '/srv/probe/probe').length > 0,
          expected: 'Seccomp: 2',
          found: all.map(({ labPid, seccomp, seccompFilters }) => `${labPid}: Seccomp ${seccomp}, ${seccompFilters} filters`).join('; ') || {
            en: 'nobody runs it',
            ja: '誰も実行していない',
          },
        };
      },
    },
    {
      id: 'refused',
      says: { en: 'It can make no directory: "Operation not permitted"', ja: 'ディレクトリーを作れない(Operation not permitted)' },
      check(look) {
        const [state, error] = [reported(look, '/srv/probe/state'), reported(look, '/srv/probe/error')];
        return {
          ok: filtered(look, '/srv/probe/probe').length > 0 && state === 'refused' && /not permitted/.test(error ?? ''),
          found: `${state ?? '-'} ${error ?? ''}`,
        };
      },
    },
    {
      id: 'others',
      says: { en: 'Everything else works: it writes its report', ja: 'ほかのことはできている(結果を書き続けている)' },
      check: (look) => ({
        ok: reported(look, '/srv/probe/state') !== undefined && filtered(look, '/srv/probe/probe').length > 0,
        found: reported(look, '/srv/probe/state') ?? { en: 'no report', ja: '結果がない' },
      }),
    },
  ],
});
