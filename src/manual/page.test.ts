import assert from 'node:assert/strict';
import test from 'node:test';
import { PageError, parsePages } from './page.ts';

const page = `# Mounts

For the reader of the file.

## mount.pivot — Make the new tree the root

One paragraph.

Another.

    code

**Why.** Because.

**Why here.** After that.
**Without it.** Nothing.

**Pitfalls.**
- One.
- Two.

**See also.** mount.root, mount.proc
`;

test('a page is its parts', () => {
  assert.deepEqual(parsePages(page, 'en', 'en/mount.md'), [
    {
      id: 'mount.pivot',
      title: 'Make the new tree the root',
      does: ['One paragraph.', 'Another.', '    code'],
      why: ['Because.'],
      order: ['After that.'],
      without: ['Nothing.'],
      pitfalls: ['- One.', '- Two.'],
      see: ['mount.root', 'mount.proc'],
    },
  ]);
});

test('a page that is not whole is refused, by its name', () => {
  const refused = (from: string, to: string): string => {
    try {
      parsePages(page.replace(from, to), 'en', 'en/mount.md');
      return '';
    } catch (error) {
      assert.ok(error instanceof PageError);
      return error.message;
    }
  };
  assert.equal(
    refused('**Why here.**', '**Why now.**'),
    'en/mount.md, mount.pivot: there is no part "Why now", only Why, Why here, Without it, Pitfalls, See also',
  );
  assert.equal(refused('**Why here.** After that.', ''), 'en/mount.md, mount.pivot: "Why here" is missing');
  assert.equal(refused('**Without it.** Nothing.', '**Without it.**'), 'en/mount.md, mount.pivot: "Without it" is missing');
  assert.equal(refused('**Without it.**', '**Why.**'), 'en/mount.md, mount.pivot: "Why" is there twice');
  assert.equal(refused('mount.pivot — Make', 'mount.pivot: Make'), 'en/mount.md: "## mount.pivot: Make the new tree the root" is not "## STEP — TITLE"');
});
