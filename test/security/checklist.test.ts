/** No row of the checklist lacks an attack, a test elsewhere, or a reason, by any of the four targets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { allAttacks } from './all-attacks.ts';
import { checklist, targetNames } from './checklist.ts';

for (const { id, property, elsewhere = {}, cannot = {}, failures } of checklist)
  test(`${id}: ${property}`, () => {
    assert.ok(failures.length > 0, 'it says where others failed');
    for (const target of targetNames) {
      const attacked = allAttacks.some(({ row, by }) => row === id && (by ?? targetNames).includes(target));
      const { [target]: shown } = elsewhere;
      const { [target]: reason } = cannot;
      assert.ok(attacked || shown || reason, `nothing shows it by ${target}`);
      assert.ok(!reason || !(attacked || shown), `by ${target} there is a test, and a reason why there can be none`);
      if (shown) assert.ok(readFileSync(join(import.meta.dirname, shown.file), 'utf8').includes(shown.title), `${shown.file} has no test “${shown.title}”`);
    }
  });

test('each attack is for a row', () => {
  const rows = new Set(checklist.map(({ id }) => id));
  assert.deepEqual(
    allAttacks.filter(({ row }) => !rows.has(row)).map(({ row }) => row),
    [],
  );
  assert.equal(rows.size, checklist.length, 'rows have different ids');
});
