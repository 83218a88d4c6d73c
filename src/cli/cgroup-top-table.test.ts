import assert from 'node:assert/strict';
import test from 'node:test';
import type { Interval, Row } from '../element/cgroup/top.ts';
import { columnsText, keyLines, rowText, screenLines, tableLines, type Screen } from './cgroup-top-table.ts';
import { painter, unpainted } from './paint.ts';

const busy: Row = {
  path: '/demo',
  frozen: false,
  cpu: 30.2,
  cpuCeiling: 30,
  cpuCeilingFiles: 'cpu.max 30000 100000',
  throttled: 100,
  throttledTime: 0.7,
  memory: 60 << 20,
  memoryLimit: 64 << 20,
  limitHits: 4,
  oomKills: 1,
  pids: 2,
  pidsLimit: 10,
  read: 1 << 20,
  written: 0,
  pressure: { cpu: 69, memory: 1, io: 0 },
};
const rows: Row[] = [busy, ...Array.from({ length: 30 }, (_, i): Row => ({ path: `/hako/${'0123456789abcdef'.repeat(4)}${i}`, frozen: i === 0 }))];
const interval: Interval = { seconds: 1, machine: { processors: 2, cpu: 31, memoryTotal: 1 << 30, memoryAvailable: 1 << 29, pressure: { cpu: 3 } }, rows };
const screen: Screen = { columns: 80, lines: 24, paint: unpainted, mode: 'hybrid', sort: 'cpu', every: 1, selected: 0, key: true };

test('a screen has exactly its lines, none longer than it is wide, at any size', () => {
  for (const columns of [20, 60, 80, 107, 108, 200])
    for (const lines of [5, 16, 24, 60])
      for (const selected of [0, 30]) {
        const drawn = screenLines(interval, rows, { ...screen, columns, lines, selected });
        assert.equal(drawn.length, lines);
        for (const line of drawn) assert.ok(line.length <= columns, `${columns}: ${line}`);
        assert.ok(lines < 16 || drawn.some((line) => line.startsWith('>')), 'the selected row is on it');
      }
});

test('the table: alarms are red on a terminal alone, ids are short, what is not known is a dash', () => {
  const [heading, first, second] = tableLines(rows, { columns: 80, paint: unpainted });
  assert.match(heading!, /^CGROUP +CPU% +OF% STOP% +MEM +OF +OOM +PIDS I\/O\/s WAIT%$/);
  assert.match(first!, /^\/demo +30 +30 +100 +60M +64M +1 +2 +1\.0M +69c$/);
  assert.match(second!, /^\/hako\/0123456789ab \(frozen\)( +-){9}$/);
  assert.ok(
    !first!.includes('\x1b') && tableLines(rows, { columns: 80, paint: painter({ isTTY: true } as NodeJS.WriteStream) })[1]!.includes('\x1b[31m   100'),
  );
});

test('numbers are told in sentences, columns in words', () => {
  const text = rowText(busy);
  for (const part of [
    '30% of one processor',
    'its ceiling is 30% (cpu.max 30000 100000)',
    'in 100% of the periods',
    'stood still 700 ms',
    'reached 4 times',
    'at most 10',
    '69% of the time',
  ])
    assert.ok(text.includes(part), `${part}: ${text}`);
  for (const title of ['CPU%', 'STOP%', 'OOM', 'WAIT%'])
    assert.ok(columnsText().includes(title) && keyLines({ columns: 80, paint: unpainted }).join(' ').includes(title));
  for (const line of columnsText().split('\n')) assert.ok(line.length <= 80);
});
