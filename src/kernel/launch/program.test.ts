import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { call, result } from '../call.ts';
import { architecture, type Architecture } from '../syscalls.ts';
import { monitorProgram, tableAddress } from './program.ts';
import { compileTable, resultOf, rows, type Row } from './table.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-program-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};
const emulator = ['qemu-aarch64', 'qemu-aarch64-static']
  .flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((path) => join(path, name)))
  .find(isExecutable);

for (const machine of ['x64', 'arm64'] satisfies Architecture[]) {
  const native = machine === architecture;
  const skip = !native && (machine === 'x64' ? 'x86-64 programs do not run here' : !emulator && 'qemu-aarch64 (Debian package qemu-user) is not installed');

  describe(`the monitor's program for ${machine}`, { skip }, () => {
    const program = join(directory, `monitor-${machine}`);
    writeFileSync(program, monitorProgram(machine), { mode: 0o755 });

    /** Runs the program over a table on its descriptor 3. */
    function walk(sections: readonly (readonly Row[])[]): {
      readonly stdout: string;
      readonly status: number | null;
      readonly value: (row: Row) => number | undefined;
    } {
      const table = compileTable(sections, BigInt(tableAddress), 4096, machine);
      const file = join(directory, 'table');
      writeFileSync(file, table.bytes);
      const fd = openSync(file, 'r+');
      const command = native ? [program] : [emulator!, program];
      const { stdout, status } = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit', fd] });
      closeSync(fd);
      const bytes = readFileSync(file);
      return { stdout, status, value: (row) => resultOf(table, row, bytes) };
    }
    const exit = (status: number): Row => ({ call: call('exit_group', [status]) });

    test('makes the calls in order, with strings and numbers, and writes down what they returned', () => {
      const section = [...rows([call('write', [1, 'one ', 4]), call('write', [1, 'two\n', 4])]), exit(7)];
      const { stdout, status, value } = walk([section]);
      assert.deepEqual([stdout, status], ['one two\n', 7]);
      assert.deepEqual(section.map(value), [4, 4, undefined]);
    });

    test('gives a later call what an earlier one returned', () => {
      const pid = call('getpid', []);
      const section = [...rows([call('openat', [-100, '/dev/null', 1, 0]), pid, call('kill', [result(pid), 0])]), exit(0)];
      const { value } = walk([section]);
      const [fd, id, signalled] = section.map(value);
      assert.ok(fd! > 2 && id! > 1);
      assert.equal(signalled, 0);
    });

    test('goes to the last row on an error, and on where the error is accepted', () => {
      const refused = [...rows([call('chdir', ['/does/not/exist']), call('write', [1, 'no\n', 3])]), exit(9)];
      const stopped = walk([refused]);
      assert.deepEqual([stopped.stdout, stopped.status, ...refused.map(stopped.value)], ['', 9, -2, undefined, undefined]);
      const accepted = [...rows([call('chdir', ['/does/not/exist'], { accept: [2] }), call('write', [1, 'yes\n', 4])]), exit(9)];
      assert.equal(walk([accepted]).stdout, 'yes\n');
    });

    test('branches on zero, to a section of its own: the way of the child of a clone', () => {
      const child: Row[] = [...rows([call('write', [1, 'child\n', 6])]), exit(5)];
      const parent: Row[] = [{ call: call('chdir', ['/']), onZero: child[0]! }, ...rows([call('write', [1, 'parent\n', 7])]), exit(0)];
      const { stdout, status } = walk([parent, child]);
      assert.deepEqual([stdout, status], ['child\n', 5]);
    });
  });
}
