import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { call, result, Stored, Struct, Unknown, type Call } from '../call.ts';
import { notRun, rowLayout } from './row.ts';
import { compileTable, refusedRows, resultOf, rows, type Row, type Table } from './table.ts';

const page = 4096;
/** Below and above 4 GiB: where the new process's table is, and where this process's memory is. */
for (const base of [0x1000_0000n, 0x7f12_3456_7000n])
  describe(`a table at 0x${base.toString(16)}`, () => {
    const exit: Row = { call: call('exit_group', [125]) };
    const word = (table: Table, row: Row, field: number): bigint =>
      new DataView(table.bytes.buffer, table.bytes.byteOffset).getBigUint64(table.offsetOf(row) + field, true);
    const argument = (table: Table, row: Row, index: number): bigint => word(table, row, rowLayout.args + 8 * index);
    const indirect = (table: Table, row: Row): bigint => word(table, row, rowLayout.number) >> 32n;
    const addressOf = (table: Table, row: Row): bigint => base + BigInt(table.offsetOf(row));
    const textAt = ({ bytes }: Table, address: bigint): string => {
      const at = Number(address - base);
      return Buffer.from(bytes.subarray(at, bytes.indexOf(0, at))).toString();
    };

    test('has each kind of argument as the kernel takes it', () => {
      const opened = call('openat', [-100, '/dev/null', 0x1_0000_0002, 0]);
      const stored = new Uint8Array(8);
      const inner = Uint8Array.of(1, 2, 3);
      const struct = new Struct('{}', new Uint8Array(16), [[8, inner]]);
      const section: Row[] = [{ call: opened }, ...rows([call('read', [result(opened), null, 2n ** 63n, -1n, new Stored(stored, 'pid'), struct])]), exit];
      const table = compileTable([section], base);
      const [open, read] = [section[0]!, section[1]!];
      assert.deepEqual([argument(table, open, 0), argument(table, open, 2)], [2n ** 64n - 100n, 0x1_0000_0002n]);
      assert.equal(textAt(table, argument(table, open, 1)), '/dev/null');
      assert.equal(argument(table, read, 0), addressOf(table, open) + BigInt(rowLayout.result));
      assert.deepEqual([argument(table, read, 1), argument(table, read, 2), argument(table, read, 3)], [0n, 2n ** 63n, 2n ** 64n - 1n]);
      assert.equal(argument(table, read, 4), base + BigInt(table.offsetOfBytes(stored)));
      assert.equal(indirect(table, read), 0b10001n);
      const pointer = new DataView(table.bytes.buffer, table.bytes.byteOffset).getBigUint64(table.offsetOfBytes(struct.bytes) + 8, true);
      assert.equal(pointer, base + BigInt(table.offsetOfBytes(inner)));
    });

    test('goes on after each row as it says', () => {
      const child: Row[] = [...rows([call('getpid', [])]), { ...exit }];
      const accepting: Row = { call: call('chdir', ['/a'], { accept: [2] }) };
      const section: Row[] = [{ call: call('clone3', [null, 0]), onZero: child[0]! }, accepting, { call: call('setsid', []), onError: accepting }, exit];
      const table = compileTable([section, child], base);
      const ways = (row: Row): bigint[] => [rowLayout.onError, rowLayout.onZero, rowLayout.next].map((field) => word(table, row, field));
      const [fork, , parent, last] = section.map((row) => addressOf(table, row)) as [bigint, bigint, bigint, bigint];
      assert.deepEqual(ways(section[0]!), [last, addressOf(table, child[0]!), fork + BigInt(rowLayout.size)]);
      assert.deepEqual(ways(accepting), [parent, parent, parent]);
      assert.deepEqual(ways(section[2]!), [addressOf(table, accepting), last, last]);
      assert.deepEqual(ways(section[3]!).slice(1), [0n, 0n]);
    });

    test('has what a section needs between its beginning and its end', () => {
      const sections = [
        [...rows([call('chdir', ['/first'])]), { ...exit }],
        [...rows([call('chdir', ['/second'])]), { ...exit }],
      ];
      const table = compileTable(sections, base, page);
      for (const [i, { start, end }] of table.sections.entries()) {
        const text = Number(argument(table, sections[i]![0]!, 0) - base);
        assert.ok(start % page === 0 && text > start && text < end, `section ${i}: ${text} is in ${start} to ${end}`);
      }
      assert.equal(table.sections[1]!.start, page);
    });

    test('says which rows returned an error', () => {
      const section = [...rows([call('getpid', []), call('chdir', ['/a']), call('chdir', ['/b'])]), exit];
      const table = compileTable([section], base);
      const bytes = Uint8Array.from(table.bytes);
      const view = new DataView(bytes.buffer);
      const returned = (row: Row, value: number): void => view.setBigInt64(table.offsetOf(row) + rowLayout.result, BigInt(value), true);
      assert.deepEqual(
        section.map((row) => resultOf(table, row, bytes)),
        [undefined, undefined, undefined, undefined],
      );
      assert.deepEqual(refusedRows(table, 0, section, bytes), []);
      returned(section[0]!, 2 ** 40);
      returned(section[1]!, -2);
      assert.deepEqual(
        section.map((row) => resultOf(table, row, bytes)),
        [2 ** 40, -2, undefined, undefined],
      );
      assert.deepEqual(refusedRows(table, 0, section, bytes), [{ row: section[1], errno: 2 }]);
      assert.deepEqual(refusedRows(table, 0, section.slice(0, 1), bytes), []);
      assert.equal(BigInt.asIntN(64, word(table, section[2]!, rowLayout.result)), BigInt(notRun));
    });

    test('is the same whatever was compiled before: a longer one, or one that could not be', () => {
      const many = (of: Call): Row[] => Array.from({ length: 20 }, () => ({ call: of }));
      const compiled = (): Uint8Array => Uint8Array.from(compileTable([[...many(call('getpid', [])), exit]], base).bytes);
      const full = call('write', [-1, -1, -1, -1, -1, -1]);
      const expected = compiled();
      const long = compileTable([[...many(full), ...rows([call('write', [1, 'x'.repeat(300_000), 1])]), exit]], base);
      assert.ok(long.bytes.length > 300_000);
      assert.deepEqual(compiled(), expected);
      compileTable([[exit]], base);
      assert.throws(() => compileTable([[...many(full), ...rows([call('write', [new Unknown('FD'), 'x', 1])]), exit]], base), /FD is not known/);
      assert.deepEqual(compiled(), expected);
    });
  });
