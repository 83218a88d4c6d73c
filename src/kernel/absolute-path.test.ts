/** Paths as words are what node:path makes of them. */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import test from 'node:test';
import { absolutePath, cleanPath, parentPath } from './absolute-path.ts';

const pieces = ['', '.', '..', 'a', 'b c', '...', '.x', 'ü'];

test('every path of up to four pieces is what posix.resolve makes of it', () => {
  let paths = [''];
  for (let length = 0; length < 4; length++) {
    paths = paths.flatMap((path) => pieces.map((piece) => `${path}/${piece}`));
    for (const path of paths) {
      assert.equal(cleanPath(path), posix.resolve(path));
      assert.equal(absolutePath(path.slice(1)), posix.resolve(path.slice(1)), path.slice(1));
    }
  }
});

test('what is relative counts from the root, or from the working directory', () => {
  assert.equal(cleanPath('../a'), '/a');
  assert.equal(absolutePath('../a'), posix.resolve('../a'));
  assert.equal(absolutePath(''), process.cwd());
});

test('the directory that a path is in is what posix.dirname says', () => {
  for (const path of ['/', '/a', '/a/b', '/a/b/c']) assert.equal(parentPath(path), posix.dirname(path));
});
