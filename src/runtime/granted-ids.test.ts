/** Which ids a user is granted, by lines of /etc/subuid. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { grantedRanges } from './granted-ids.ts';

test('ranges of a user, by name and by number, follow one another from 1 on', () => {
  const text = 'other:1000:5\nme:100000:65536\n# me:1:1\n1000:200000:10\nme2:7:7\nme:x:1\nme:5:0\n';
  assert.deepEqual(grantedRanges(text, 'me', 1000), [
    { containerID: 1, hostID: 100_000, size: 65_536 },
    { containerID: 65_537, hostID: 200_000, size: 10 },
  ]);
  assert.deepEqual(grantedRanges('', 'me', 1000), []);
});
