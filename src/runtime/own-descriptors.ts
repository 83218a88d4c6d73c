/** Descriptors of this program's own that a new process is to have: its standard streams, and others that its caller left open. */
import { fstatSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { fcntlCommands } from '../kernel/flags.ts';
import { step, type Procedure } from '../step/step.ts';
import type { InitPlan } from './init.ts';

/** Numbers that nothing else takes: 0 to 2, and those to be preserved, are set last. */
const above = 10;

/** Our own standard streams, for the process to have. */
export function takeOwnStreams(): Procedure<Exclude<InitPlan['stdio'], 'terminal'>> {
  const copies = [0, 1, 2].map((fd) => call('fcntl', [fd, fcntlCommands.F_DUPFD_CLOEXEC, above], { label: ['stdin', 'stdout', 'stderr'][fd]! }));
  const ends = ([stdin, stdout, stderr]: readonly Known[]): Exclude<InitPlan['stdio'], 'terminal'> => ({
    stdin: stdin!,
    stdout: stdout!,
    stderr: stderr!,
    pipes: typeof stdin === 'number' ? [0, 1, 2].filter((fd) => !isNullDevice(fd)) : [],
    lent: true,
  });
  return step({
    id: 'process.streams',
    what: 'Lend it our own standard input, output and error',
    calls: copies,
    shell: 'exec 10<&0 11>&1 12>&2',
    look: 'ls -l /proc/self/fd',
    finally: copies.map((copy) => call('close', [result(copy)])),
    result: ends,
    unknown: ends([new Unknown('STDIN'), new Unknown('STDOUT'), new Unknown('STDERR')]),
  });
}

/** The machine's null device is everybody's. */
function isNullDevice(fd: number): boolean {
  const found = fstatSync(fd);
  return found.isCharacterDevice() && found.rdev === 0x103;
}

/** Copies of our descriptors from 3 on. @param count how many */
export function copyDescriptors(count: number): Procedure<readonly Known[]> {
  const numbers = Array.from({ length: count }, (_, i) => 3 + i);
  const copies = numbers.map((fd) => call('fcntl', [fd, fcntlCommands.F_DUPFD_CLOEXEC, above + count], { label: `fd${fd}` }));
  return step<readonly Known[]>({
    id: 'process.copy-descriptors',
    what: `Copy our descriptors 3 to ${2 + count}, which the program is to have`,
    calls: copies,
    shell: '# A shell passes on what it was given.',
    look: 'ls -l /proc/self/fd',
    finally: copies.map((copy) => call('close', [result(copy)])),
    result: (returned) => returned,
    unknown: numbers.map((fd) => new Unknown(`FD${fd}`)),
  });
}
