/** Where the engines of root and of a user keep their things. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { dataDirectory, runDirectory } from './user-directories.ts';

test("root has the machine's directories, a user those of XDG, and both what they are told", () => {
  const environment = { HOME: '/home/u', XDG_RUNTIME_DIR: '/run/user/7', XDG_DATA_HOME: '/data' };
  assert.deepEqual([dataDirectory(environment, 0), runDirectory(environment, 0)], ['/var/lib/hako', '/run/hako']);
  assert.deepEqual([dataDirectory(environment, 7), runDirectory(environment, 7)], ['/data/hako', '/run/user/7/hako']);
  assert.deepEqual([dataDirectory({ HOME: '/home/u' }, 7), runDirectory({ XDG_RUNTIME_DIR: 'relative' }, 7)], ['/home/u/.local/share/hako', '/tmp/hako-7']);
  assert.deepEqual([dataDirectory({ HAKO_ROOT: '/r' }, 7), runDirectory({ HAKO_RUN: '/s' }, 0)], ['/r', '/s']);
});
