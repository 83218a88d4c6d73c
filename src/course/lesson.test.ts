import assert from 'node:assert/strict';
import test from 'node:test';
import { disagreement, filled, parseLesson } from './lesson.ts';
import { parseSolution } from './solution.ts';

const whole = `# Title

## Goal

The goal.

## Background

Why {{fact:name}}.

## Task

\`\`\`sh v1
ls {{cgroup:cpu}}
\`\`\`

\`\`\`sh v2
ls {{cgroup:cpu}}
\`\`\`

## Hint

One.

## Hint

Two.

## Debrief

So.

## Side by side

| by hand | hako | system calls |
|---|---|---|
| \`a \\| b\` | \`hako x\` | \`openat\` |

## With Docker

The same.

## Question

Why?

**Answer.** Because.
`;

test('a lesson is read whole', () => {
  const lesson = parseLesson(whole, 'en', 'en.md');
  assert.equal(lesson.title, 'Title');
  assert.deepEqual(lesson.hints, ['One.', 'Two.']);
  assert.deepEqual(lesson.ways, [{ raw: '`a | b`', hako: '`hako x`', calls: '`openat`' }]);
  assert.deepEqual(lesson.questions, [{ text: 'Why?', answer: 'Because.' }]);
});

test('what is missing, doubled or unknown is named with its file', () => {
  const broken: readonly (readonly [change: (text: string) => string, says: RegExp])[] = [
    [(text) => text.replace('# Title', 'Title'), /en\.md: the first line/],
    [(text) => text.replace('## Goal', '## Aim'), /there is no section "Aim"/],
    [(text) => text.replace(/## Debrief\n\nSo\.\n/, ''), /"Debrief" is missing/],
    [(text) => text.replace('## With Docker', '## Goal'), /"Goal" is there twice|"With Docker" is missing/],
    [(text) => text.replace('## Hint\n\nTwo.\n', ''), /2 or more sections "Hint"/],
    [(text) => text.replace('**Answer.**', 'Answer:'), /"Question" needs a paragraph/],
    [(text) => text.replace(/\| `a.*\n/, ''), /must be a table of three columns/],
  ];
  for (const [change, says] of broken) assert.throws(() => parseLesson(change(whole), 'en', 'en.md'), says);
});

test('placeholders and blocks are those of the reader’s machine', () => {
  const { task, background } = parseLesson(whole, 'en', 'en.md');
  assert.equal(filled(task, { form: 'v1', facts: {} }).trim(), '```sh\nls /sys/fs/cgroup/cpu\n```');
  assert.equal(filled(task, { form: 'v2', facts: {} }).trim(), '```sh\nls /sys/fs/cgroup\n```');
  assert.equal(filled(background, { form: 'v2', facts: { name: 'x' } }), 'Why x.');
  assert.throws(() => filled(background, { form: 'v2', facts: {} }), /stands for nothing/);
});

test('two languages must agree in number', () => {
  const en = parseLesson(whole, 'en', 'en.md');
  assert.equal(disagreement(en, en), undefined);
  assert.equal(disagreement(en, { ...en, hints: ['one'] }), 'en.md has 2 hints, ja.md 1');
});

test('a solution has both ways, for both forms', () => {
  const solution = parseSolution('name=x\n\n#: raw v1\necho {{cgroup:cpu}}\n\n#: raw v2\necho two\n\n#: hako\nhako x {{fact:pid}}\n', 'solution.sh');
  assert.equal(solution.lines('raw', 'v1', {}), 'name=x\necho /sys/fs/cgroup/cpu', 'what stands before the parts begins each');
  assert.equal(solution.lines('raw', 'v2', {}), 'name=x\necho two');
  assert.equal(solution.lines('hako', 'v2', { pid: '7' }), 'name=x\nhako x 7');
  for (const [text, says] of [
    ['#: raw\na\n', /"hako" for cgroup v1 is missing/],
    ['#: raw\na\n#: hako\na\n', /both parts are the same/],
    ['#: raw\na\n#: hako\nb\n', /does not use hako/],
    ['#: raw v3\na\n', /heads no part/],
    ['#: raw\na\n#: raw\nb\n', /there twice/],
  ] as const)
    assert.throws(() => parseSolution(text, 'solution.sh'), says);
});
