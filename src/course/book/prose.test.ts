import assert from 'node:assert/strict';
import test from 'node:test';
import { markup } from './html.ts';
import { proseHtml, type Reader } from './prose.ts';
import { bookWords } from './words.ts';

const reader: Reader = { form: 'v1', words: bookWords.en };
const html = (markdown: string): string => proseHtml(markdown, reader).text.trim();

test('what is put into a template is escaped, unless it is of a template', () => {
  const hostile = `<script>alert("x" & 'y')</script>`;
  assert.equal(markup`<p title="${hostile}">${hostile}</p>`.text.includes('<script'), false);
  assert.equal(markup`${'a & b'}${[markup`<b>${'"'}</b>`, '<', 3, undefined]}`.text, 'a &amp; b<b>&quot;</b>&lt;3');
  assert.equal(markup`${'\x1b[31m\0'}`.text, '\ufffd[31m\ufffd');
});

test('a lesson with a script in it, wherever it stands, has none in the book', () => {
  const script = '<script>alert(1)</script>';
  const text = `${script} *${script}* **${script}** \`${script}\`\n\n- ${script}\n\n| a | b |\n|---|---|\n| ${script} | \`${script}\` |\n\n\`\`\`sh\n${script}\n\`\`\``;
  assert.equal(html(text).includes('<script'), false);
  assert.equal(html(text).split('&lt;script&gt;').length - 1, 8);
});

test('prose, lists and tables', () => {
  assert.equal(html('One *two*\n**three** `f(*a, *b)`.'), '<p>One <em>two</em> <strong>three</strong> <code>f(*a, *b)</code>.</p>');
  assert.equal(html('日本語の\n行。'), '<p>日本語の行。</p>');
  assert.equal(html('- a\n  b\n- c\n  - d\n\n1. e'), '<ul>\n<li>a b</li>\n<li>c\n<ul>\n<li>d</li>\n</ul>\n</li>\n</ul>\n<ol start="1">\n<li>e</li>\n</ol>');
  assert.match(html('| a | b |\n|---|---|\n| `x \\| y` | z |'), /<th scope="col">a<\/th>.*\n<tbody>\n<tr><td><code>x \| y<\/code><\/td><td>z<\/td><\/tr>/);
});

test("code shows this machine's form of cgroups, and folds the other", () => {
  const both = '```sh v1\nls one\n```\n\n```sh v2\nls two\n```';
  assert.match(html(both), /^<pre tabindex="0"><code>ls one<\/code><\/pre>\n<details class="form"><summary>[^<]*v2<\/summary>\n<pre tabindex="0"><code>ls two/);
  assert.match(proseHtml(both, { ...reader, form: 'v2' }).text, /^<pre tabindex="0"><code>ls two<\/code><\/pre>\n<details class="form"><summary>[^<]*v1</);
  assert.equal(html(both.replace('two', 'one')), '<pre tabindex="0"><code>ls one</code></pre>');
  assert.match(html('```sh v2\nls two\n```'), /^<details/);
});
