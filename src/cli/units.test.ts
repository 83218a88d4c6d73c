/** Sizes and times in Docker's wording. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { alignColumns } from './columns.ts';
import { portsText } from './container-columns.ts';
import { splitReference, withTag } from './image-name.ts';
import { parseTimestamp } from './time-flag.ts';
import { binarySize, ellipsis, humanDuration, humanSize, nanoTime } from './units.ts';

test('sizes', () => {
  assert.deepEqual(
    [0, 999, 1000, 116_836_352, 2_014_208, 1.5e9].map((n) => humanSize(n)),
    ['0B', '999B', '1kB', '117MB', '2.01MB', '1.5GB'],
  );
  assert.deepEqual([700 * 1024, 23.54 * 2 ** 30, 7.5 * 2 ** 20].map(binarySize), ['700KiB', '23.54GiB', '7.5MiB']);
});

test('spans of time', () => {
  const s = 1000;
  const spans = [
    0.4 * s,
    s,
    59 * s,
    60 * s,
    119 * s,
    120 * s,
    3600 * s,
    90 * 60 * s,
    47 * 3600 * s,
    50 * 3600 * s,
    20 * 86400 * s,
    70 * 86400 * s,
    800 * 86400 * s,
  ];
  assert.deepEqual(spans.map(humanDuration), [
    'Less than a second',
    '1 second',
    '59 seconds',
    'About a minute',
    'About a minute',
    '2 minutes',
    'About an hour',
    '2 hours',
    '47 hours',
    '2 days',
    '2 weeks',
    '2 months',
    '2 years',
  ]);
});

test('times of events have all their nanoseconds', () => {
  assert.match(nanoTime(1700000000123456789n), /^2023-11-1\dT\d\d:\d\d:20\.123456789[+-]\d\d:\d\d$/);
});

test('points in time: RFC 3339, the epoch, and ago', () => {
  assert.equal(parseTimestamp('1700000000.5'), '1700000000.5');
  assert.equal(parseTimestamp('2023-11-14T22:13:20Z'), '1700000000.000000000');
  assert.equal(parseTimestamp('2023-11-14T22:13:20.000000001+00:00'), '1700000000.000000001');
  assert.equal(parseTimestamp('10m', 1_700_000_600_000), '1700000000.000000000');
  assert.throws(() => parseTimestamp('yesterday'), /is not a time such as/);
});

test('ports: ranges on both sides are joined, addresses of IPv6 are bracketed', () => {
  const port = (PrivatePort: number, PublicPort?: number, IP?: string, Type: 'tcp' | 'udp' = 'tcp') => ({
    PrivatePort,
    Type,
    ...(PublicPort && { PublicPort }),
    ...(IP && { IP }),
  });
  assert.equal(
    portsText([port(443), port(80, 8080, '0.0.0.0'), port(81, 8081, '0.0.0.0'), port(80, 8080, '::')]),
    '0.0.0.0:8080-8081->80-81/tcp, [::]:8080->80/tcp, 443/tcp',
  );
  assert.equal(portsText([port(53, 53, '127.0.0.1', 'udp'), port(54, 60, '127.0.0.1', 'udp')]), '127.0.0.1:53->53/udp, 127.0.0.1:60->54/udp');
});

test('columns are at least ten wide, three apart, and count wide characters twice', () => {
  assert.equal(
    alignColumns([
      ['ID', 'NAME'],
      ['0123456789ab', '箱'],
    ]),
    'ID             NAME\n0123456789ab   箱\n',
  );
  assert.equal(
    alignColumns([
      ['A', 'B'],
      ['箱舟', 'x'],
    ]),
    'A         B\n箱舟      x\n',
  );
  assert.equal(ellipsis('sh -c "while true"', 10), 'sh -c "wh…');
});

test('image references', () => {
  assert.deepEqual(splitReference('host:5000/a/b'), { repository: 'host:5000/a/b', tag: '' });
  assert.deepEqual(splitReference('host:5000/a:1'), { repository: 'host:5000/a', tag: '1' });
  assert.deepEqual(['a', 'a:1', 'h:5/a', `a@sha256:${'0'.repeat(64)}`].map(withTag), ['a:latest', 'a:1', 'h:5/a:latest', `a@sha256:${'0'.repeat(64)}`]);
});
