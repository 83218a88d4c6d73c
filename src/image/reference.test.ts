import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familiarName, fullName, idPrefixOf, nameFor, parseReference } from './reference.ts';

test('what a person writes becomes a full name, and back the shortest', () => {
  const names: [written: string, full: string, familiar: string][] = [
    ['base', 'docker.io/library/base:latest', 'base:latest'],
    ['base:1.2', 'docker.io/library/base:1.2', 'base:1.2'],
    ['docker.io/base', 'docker.io/library/base:latest', 'base:latest'],
    ['index.docker.io/library/base', 'docker.io/library/base:latest', 'base:latest'],
    ['user/app', 'docker.io/user/app:latest', 'user/app:latest'],
    ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
    ['localhost:5000/app:x', 'localhost:5000/app:x', 'localhost:5000/app:x'],
    ['registry.example/a/b_c/d__e/f-g.h', 'registry.example/a/b_c/d__e/f-g.h:latest', 'registry.example/a/b_c/d__e/f-g.h:latest'],
    ['[::1]:5000/app', '[::1]:5000/app:latest', '[::1]:5000/app:latest'],
    ['docker.io/library/a/b', 'docker.io/library/a/b:latest', 'library/a/b:latest'],
    [`base@sha256:${'a'.repeat(64)}`, 'docker.io/library/base:latest', 'base:latest'],
  ];
  for (const [written, full, familiar] of names) {
    assert.equal(fullName(parseReference(written)), full);
    assert.equal(familiarName(full), familiar);
  }
});

test('what is no reference is refused, with the reason', () => {
  const bad: [text: string, says: RegExp][] = [
    ['', /empty/],
    ['Base', /lower case/],
    ['a//b', /repository name/],
    ['a/../b', /repository name/],
    ['../a', /host name/],
    ['/a', /repository name/],
    ['-a', /repository name/],
    ['a__.b', /repository name/],
    ['a:', /tag/],
    ['a:.b', /tag/],
    [`a:${'b'.repeat(129)}`, /tag/],
    ['a@sha256:12', /digest/],
    [`a@sha256:${'a'.repeat(64)}@x`, /more than one "@"/],
    ['a'.repeat(64), /an id, not a name/],
    ['a b', /repository name/],
    ['a\nb', /repository name/],
    [`${'a'.repeat(250)}/b`, /at most 255/],
    ['exa_mple.com/a', /host name/],
  ];
  for (const [text, says] of bad) assert.throws(() => parseReference(text), { kind: 'invalid', message: says }, text);
  assert.throws(() => nameFor(`a@sha256:${'a'.repeat(64)}`), /has a digest/);
});

test('ids are hexadecimal, with or without their algorithm', () => {
  assert.deepEqual(['abc', 'sha256:abc', 'a'.repeat(64), 'xyz', 'a'.repeat(65), ''].map(idPrefixOf), [
    'abc',
    'abc',
    'a'.repeat(64),
    undefined,
    undefined,
    undefined,
  ]);
});
