/** What is planted for "Who refused?": a program that tries five things, and a box of five gates around it. */
import { architecture } from '../../../../kernel/syscalls.ts';
import { syscallNumbers } from '../../../../runtime/seccomp/syscall-numbers.ts';
import type { Stage } from '../../../exercise.ts';

/** The things that are tried, and which gate refuses each in the box. */
export const gateOf = { ledger: 'user', cell: 'capability', hostname: 'userns', room: 'seccomp', children: 'cgroup' } as const;

export type Try = keyof typeof gateOf;
export type Gate = (typeof gateOf)[Try];

export const tries = Object.keys(gateOf) as readonly Try[];

/** The path of the program. */
export const program = '/srv/five/five';
/** How many children it wants, and how many processes may be in the box. */
export const children = 40;
export const mostProcesses = 32;

const perl: Readonly<Record<Try, string>> = {
  ledger: `open my $file, '>>', '/srv/five/ledger' or return 0; push @kept, $file; 1`,
  room: `mkdir "/srv/five/room/$$" and chdir "/srv/five/room/$$"`,
  hostname: `syscall(SETHOSTNAME, my $name = 'HOSTNAME', length 'HOSTNAME') == 0`,
  children: `family(${children})`,
  cell: `chroot '/srv/five/cell'`,
};

/** @param order the tries as they are numbered, from 1 on */
const text = (order: readonly Try[], hostname: string): string => `#!/usr/bin/perl
# Tries five things, again and again, until each is done, and says what it is answered.
use strict;
my @kept;
sub family {
  my ($me, $size, @all) = ($$, @_);
  while (@all < $size) {
    my $child = fork;
    if (!defined $child) {
      my $error = $!;
      kill 'KILL', @all;
      waitpid $_, 0 for @all;
      $! = $error;
      return 0;
    }
    if (!$child) { sleep 1 while getppid == $me; exit }
    push @all, $child;
  }
  1;
}
my @tries = (
${order.map((name, i) => `  [${i + 1}, '${name}', sub { ${perl[name].replace('SETHOSTNAME', String(sethostname())).replaceAll('HOSTNAME', hostname)} }],`).join('\n')}
);
# In another root directory nothing else is found: that comes last.
@tries = sort { ($a->[1] eq 'cell') <=> ($b->[1] eq 'cell') } @tries;
$| = 1;
my %said;
while (1) {
  for my $try (@tries) {
    my ($number, $name, $do) = @$try;
    next if ($said{$number} // '') eq 'done';
    my $answer = $do->() ? 'done' : "$!";
    print "$number $name: $answer\\n" if $answer ne ($said{$number} // '');
    $said{$number} = $answer;
  }
  last if grep { $_->[1] eq 'cell' && $said{$_->[0]} eq 'done' } @tries;
  select undef, undef, undef, 0.5;
}
sleep 1 while 1;
`;

const sethostname = (): number => syscallNumbers(architecture === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64').get('sethostname')!;

/** The filter of the box: directories are refused with an error that files refuse with. */
const filter = `#!/usr/bin/perl
# filter COMMAND...: runs it under a seccomp filter that answers mkdir and mkdirat with "Permission denied" (13).
my ($prctl, $mkdir, $mkdirat) = \`uname -m\` eq "x86_64\\n" ? (157, 83, 258) : (167, 34, 34);
my $f = pack("SCCL", 0x20, 0, 0, 0) . pack("SCCL", 0x15, 1, 0, $mkdir) . pack("SCCL", 0x15, 0, 1, $mkdirat)
      . pack("SCCL", 0x06, 0, 0, 0x5000d) . pack("SCCL", 0x06, 0, 0, 0x7fff0000);
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "$!\\n";
syscall($prctl, 22, 2, pack("Sx6P", length($f) / 8, $f)) == 0 or die "$!\\n";
exec @ARGV;
`;

const box = `#!/bin/bash
# Starts /srv/five/five behind five gates: each line below puts one more around it.
set -eu
set -- ${program}
set -- /srv/five/filter "$@"
set -- setpriv --inh-caps -all,+sys_admin --ambient-caps -all,+sys_admin --bounding-set -all,+sys_admin "$@"
set -- unshare --user --map-user 1000 --map-group 1000 --keep-caps "$@"
set -- setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps +all --ambient-caps +all "$@"
set -- /srv/five/few "$@"
exec unshare --uts "$@"
`;

const few = `#!/bin/bash
# few COMMAND...: runs it in a cgroup of its own, with at most ${mostProcesses} processes.
set -eu
tree=/sys/fs/cgroup/pids
[ -d $tree ] || tree=/sys/fs/cgroup
mkdir $tree/box-$$
echo ${mostProcesses} > $tree/box-$$/pids.max
echo $$ > $tree/box-$$/cgroup.procs
exec "$@"
`;

/** Plants it all. @returns the number of each try, the hostname, and the program's text */
export async function plant(stage: Stage): Promise<Readonly<Record<Try | 'hostname-text' | 'text', string>>> {
  const nonce = stage.nonce();
  const hostname = `five-${nonce}`;
  // Shuffled by the nonce: its digits say from where the next one is taken.
  const left = [...tries];
  const order = tries.map((_, i) => left.splice(Number.parseInt(nonce[i]!, 16) % left.length, 1)[0]!);
  const source = text(order, hostname);
  await stage.sh(
    `mkdir -p /srv/five/room /srv/five/cell && cd /srv/five
    chmod 1777 room && : > ledger && chmod 600 ledger
    printf %s "$FIVE" > five; printf %s "$FILTER" > filter; printf %s "$FEW" > few; printf %s "$BOX" > box
    chmod 755 five filter few box`,
    { FIVE: source, FILTER: filter, FEW: few, BOX: box },
  );
  const numbers = Object.fromEntries(order.map((name, i) => [name, String(i + 1)])) as Record<Try, string>;
  return { ...numbers, 'hostname-text': hostname, text: source };
}
