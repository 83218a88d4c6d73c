import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Filters } from '../api/schema.ts';
import { containerFilter, type FilterableContainer } from './container-filter.ts';
import { filterFlag, matchesLabels, matchesPattern, parseFilters } from './filters.ts';

const box: FilterableContainer = {
  id: 'abcdef123456',
  name: 'web-1',
  status: 'exited',
  exitCode: 137,
  health: 'none',
  labels: { tier: 'web', empty: '' },
  created: 20n,
  images: ['nginx:latest', `sha256:${'cd'.repeat(32)}`],
  networks: ['bridge'],
  mounts: ['data', '/var/lib/data'],
  exposed: ['80/tcp'],
  published: ['8080/tcp'],
};
const find = (ref: string): { created: bigint } => ({ created: BigInt(ref) });
const shows = (filters: Filters): boolean => containerFilter(filters, find)(box);

test('filters are read in the new form and the old', () => {
  assert.deepEqual(parseFilters('{"label":["a=b"],"status":["running"]}'), { label: ['a=b'], status: ['running'] });
  assert.deepEqual(parseFilters('{"label":{"a=b":true,"c":false}}'), { label: ['a=b'] });
  assert.deepEqual(parseFilters(undefined), {});
  for (const text of ['[]', '{', '{"a":1}', '{"a":[1]}', '"a"']) assert.throws(() => parseFilters(text), /not JSON of the form/, text);
  assert.equal(filterFlag({ dangling: ['1'] }, 'dangling'), true);
  assert.throws(() => filterFlag({ dangling: ['maybe'] }, 'dangling'), /dangling=maybe/);
});

test('labels must all hold, and be their own', () => {
  assert.equal(matchesLabels({ label: ['tier', 'tier=web', 'empty='] }, box.labels), true);
  assert.equal(matchesLabels({ label: ['tier', 'tier=db'] }, box.labels), false);
  assert.equal(matchesLabels({ 'label!': ['tier=web'] }, box.labels), false);
  assert.equal(matchesLabels({ label: ['constructor'] }, box.labels), false);
});

test('each filter of ps shows and hides', () => {
  const pairs: [shown: Filters, hidden: Filters][] = [
    [{ status: ['running', 'exited'] }, { status: ['running'] }],
    [{ id: ['abc'] }, { id: ['bcd'] }],
    [{ name: ['web'] }, { name: ['^eb'] }],
    [{ name: ['^/web-[0-9]+$'] }, { name: ['^web$'] }],
    [{ exited: ['0', '137'] }, { exited: ['0'] }],
    [{ health: ['none'] }, { health: ['healthy'] }],
    [{ before: ['21'] }, { before: ['20'] }],
    [{ since: ['19'] }, { since: ['20'] }],
    [{ ancestor: ['nginx'] }, { ancestor: ['nginx:1'] }],
    [{ ancestor: ['cdcdcdcd'] }, { ancestor: ['cd'] }],
    [{ network: ['bridge'] }, { network: ['host'] }],
    [{ volume: ['/var/lib/data'] }, { volume: ['dat'] }],
    [{ publish: ['8000-8100'] }, { publish: ['8080/udp'] }],
    [{ expose: ['80'] }, { expose: ['81'] }],
    [
      { status: ['exited'], label: ['tier=web'] },
      { status: ['exited'], label: ['tier=db'] },
    ],
  ];
  for (const [shown, hidden] of pairs) {
    assert.equal(shows(shown), true, JSON.stringify(shown));
    assert.equal(shows(hidden), false, JSON.stringify(hidden));
  }
  assert.throws(() => shows({ status: ['sleeping'] }), /status=sleeping/);
  assert.throws(() => shows({ colour: ['red'] }), /Invalid filter 'colour'/);
  assert.throws(() => shows({ publish: ['70000'] }), /publish=70000/);
});

test('a pattern cannot take the engine hostage', () => {
  for (const pattern of ['(a+)+$', '(a|a)*$', 'a*a*a*a*b', '(?=a)', 'a'.repeat(200), '(a)\\1']) {
    assert.throws(() => matchesPattern({ name: [pattern] }, 'name', 'a'.repeat(60)), /too complicated/, pattern);
  }
  assert.throws(() => matchesPattern({ name: ['['] }, 'name', 'a'), /not a regular expression/);
});
