/** A filter that looks at an argument: no user namespaces, but processes as ever. See seccomp(2), clone3(2). */
import { defineExercise } from '../../../exercise.ts';
import { ends, plantProbe, runsFiltered } from '../../../look/seccomp.ts';

const probe = {
  script: '/srv/probe/probe',
  report: '/srv/probe/report',
  text: `#!/usr/bin/perl
# Tries again and again to make a user namespace by three calls, and an ordinary child, and writes down how each ended:
# with 0, or with the number of the error. Each is tried by a child, so that nothing of it stays.
use strict;
my ($unshare, $clone, $exit) = \`uname -m\` eq "x86_64\\n" ? (272, 56, 231) : (97, 220, 94);
my $CLONE_NEWUSER = 0x10000000;
my $SIGCHLD = 17;
my @tries = (
  ['unshare', sub { syscall $unshare, $CLONE_NEWUSER }],
  ['clone', sub { syscall $clone, $CLONE_NEWUSER | $SIGCHLD, 0, 0, 0, 0 }],
  ['clone3', sub { syscall 435, 0, 0 }], # no structure at all: EINVAL, where the call is there
  ['child', sub { 0 }],
);
while (1) {
  my $report = '';
  for my $try (@tries) {
    my ($name, $do) = @$try;
    my $child = fork;
    if (defined $child and $child == 0) { syscall $exit, $do->() < 0 ? $! + 0 : 0 }
    my $ended = defined $child ? (waitpid($child, 0), $? >> 8)[1] : $! + 0;
    $report .= "$name $ended\\n";
  }
  if (open my $out, '>', '/srv/probe/report.new') {
    print $out $report;
    close $out;
    rename '/srv/probe/report.new', '/srv/probe/report';
  }
  select undef, undef, undef, 0.2;
}
`,
};

export default defineExercise({
  needs: ['perl', 'engine'],
  setup: (stage) => plantProbe(stage, probe),
  conditions: [
    runsFiltered(probe),
    ends(probe, 'unshare', 1, {
      en: 'It can make no user namespace by unshare: "Operation not permitted"',
      ja: 'unshare で user namespace を作れない(Operation not permitted)',
    }),
    ends(probe, 'clone', 1, {
      en: 'It can make none by clone either: "Operation not permitted"',
      ja: 'clone でも作れない(Operation not permitted)',
    }),
    ends(probe, 'clone3', 38, {
      en: 'It sees no clone3: "Function not implemented"',
      ja: 'clone3 は存在しないように見える(Function not implemented)',
    }),
    ends(probe, 'child', 0, { en: 'It can have children as ever', ja: 'ふつうの子は、これまでどおり作れる' }),
  ],
});
