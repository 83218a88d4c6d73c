/** A filter that forbids one system call and lets all others pass. See seccomp(2), SECCOMP_RET_ERRNO. */
import { defineExercise } from '../../../exercise.ts';
import { ends, plantProbe, runsFiltered } from '../../../look/seccomp.ts';

const probe = {
  script: '/srv/probe/probe',
  report: '/srv/probe/report',
  text: `#!/bin/sh
# Tries again and again to make a directory, and a file, and writes down how each ended: with 0, or with the number of the error.
cd /srv/probe
while :; do
  said=$(LC_ALL=C mkdir directory 2>&1) && directory=0 || case $said in *'not permitted'*) directory=1 ;; *) directory=255 ;; esac
  [ "$directory" = 0 ] && rmdir directory
  : > file && file=0 || file=255
  printf 'mkdir %s\\nfile %s\\n' "$directory" "$file" > report.new && mv report.new report
  sleep 0.2
done
`,
};

export default defineExercise({
  needs: ['perl', 'engine'],
  setup: (stage) => plantProbe(stage, probe),
  conditions: [
    runsFiltered(probe),
    ends(probe, 'mkdir', 1, { en: 'It can make no directory: "Operation not permitted"', ja: 'ディレクトリーを作れない(Operation not permitted)' }),
    ends(probe, 'file', 0, { en: 'Everything else works: it writes files', ja: 'ほかのことはできている(ファイルを書いている)' }),
  ],
});
