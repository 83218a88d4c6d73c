/** Attacks by who is in the same PID namespace already, on a process that comes in: between its birth and its program. */
import assert from 'node:assert/strict';
import type { Attack } from '../attack.ts';
import type { Asked, Target } from '../targets.ts';

/**
 * Looks into every other process but the first, until a file appears, and prints once each what it sees. Whom it may trace it would
 * have in its hands: their memory, and their descriptors of the host's.
 */
const spy = `
$| = 1; my (%seen, $looks);
until (-e "/tmp/enough") {
  opendir(my $proc, "/proc");
  for my $pid (grep { /^\\d+$/ && $_ != 1 && $_ != $$ } readdir $proc) {
    $looks++;
    $seen{"writable program"}++ if open(my $exe, "+<", "/proc/$pid/exe");
    if (open(my $maps, "<", "/proc/$pid/maps")) { /(hako\\S*|node)/ and $seen{"memory $1"}++ while <$maps>; }
    opendir(my $fds, "/proc/$pid/fd") or next;
    for my $fd (readdir $fds) { my $to = readlink("/proc/$pid/fd/$fd") // next; $to =~ s/\\d+/N/g; $seen{$to}++ if $fd > 2 && $to =~ /^socket:|memfd|pidfd|cgroup|ns|hako/; }
  }
}
print $looks > 20 ? "looked\\n" : "seldom\\n"; print "$_\\n" for sort keys %seen;`;

/** With the power to trace on the machine itself: prints the programs of others, and tries to open for writing what is ours of them. */
const programSpy = `
$| = 1; my (%seen, $looks);
until (-e "/tmp/enough") {
  opendir(my $proc, "/proc");
  for my $pid (grep { /^\\d+$/ && $_ != 1 && $_ != $$ } readdir $proc) {
    my $to = readlink("/proc/$pid/exe") // next;
    $looks++; $seen{$to}++;
    next if $to =~ m(^/usr/);
    for my $mode (qw(+< >> >)) { $seen{"writable $to"}++ if open(my $exe, $mode, "/proc/$pid/exe"); }
  }
}
print $looks ? "looked\\n" : "seldom\\n"; print "$_\\n" for sort keys %seen;`;

/** How many come in. */
const burst = 5;

/** Has a program watch while others come in. @returns what it says */
async function watched(target: Target, asked: Asked, watcher: string): Promise<string> {
  await using held = await target.hold(asked);
  const watching = held.run({}, 'perl', '-e', watcher);
  try {
    for (let i = 0; i < burst; i++) {
      const { code, stderr } = await target.newcomer(held);
      assert.equal(code, 0, stderr);
    }
  } finally {
    await held.run({}, 'touch', '/tmp/enough');
  }
  return (await watching).stdout;
}

async function spied(target: Target, asked: Asked): Promise<void> {
  assert.equal(await watched(target, asked, spy), 'looked\n');
}

export const neighbours: readonly Attack[] = [
  {
    row: 'own-executable',
    name: 'the programs of those who come in, with the power to trace them',
    attack: async (target) => {
      const [looked, ...programs] = (await watched(target, { capabilities: ['SYS_PTRACE'] }, programSpy)).trim().split('\n');
      assert.equal(looked, 'looked');
      // On their way they are a file in memory that is sealed; never Node.
      for (const program of programs) assert.match(program, /^(\/memfd:hako-[\w-]+ \(deleted\)|\/usr\/bin\/[\w.]+)$/);
    },
  },
  { row: 'birth', name: 'looking into those who come in', attack: (target) => spied(target, {}) },
  {
    row: 'birth',
    name: 'the same as root of a user namespace, with the power to trace',
    attack: (target) => spied(target, { userNamespace: true, capabilities: ['SYS_PTRACE'] }),
  },
];
