/** `hako learn export`: a book of a few exercises, made in a real lab, is well-formed, true to the run, and leaves nothing else. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { entries } from '../src/course/catalogue.ts';
import { readHtml } from './support/html-document.ts';
import { needsRoot } from './support/needs.ts';

const root = join(import.meta.dirname, '..');
const program = join(root, process.env.HAKO_TEST_ENTRY === 'dist' ? 'dist/hako.js' : 'src/cli/main.ts');

describe('hako learn export', () => {
  let directory: string;
  let env: NodeJS.ProcessEnv;
  const at = (...names: string[]): string => join(directory, ...names);
  const page = (book: string, name: string): string => readFileSync(at(book, name), 'utf8');
  const pages = (book: string): string[] => globSync('**/*.html', { cwd: at(book) }).toSorted();
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'hako-book-'));
    env = { ...process.env, HAKO_RUN: at('run'), HAKO_ROOT: at('root'), LANG: 'C', LC_ALL: '', LC_MESSAGES: '' };
  });
  after(() => rmSync(directory, { recursive: true, force: true }));
  const hako = (...words: string[]): { code: number | null; out: string; err: string; pid: number } => {
    const { status, stdout, stderr, pid } = spawnSync(process.execPath, [program, ...words], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    return { code: status, out: stdout, err: stderr, pid };
  };

  /** Reads every page strictly; every link must lead to something of the book, and to nothing else. */
  const check = (book: string): void => {
    assert.ok(pages(book).length > 1);
    for (const file of pages(book)) {
      const { ids, links, headings, language } = readHtml(page(book, file));
      if (file.includes('/')) assert.equal(language, dirname(file), file);
      assert.equal(headings.filter((level) => level === 1).length, 1, file);
      headings.forEach((level, i) => assert.ok(level <= (headings[i - 1] ?? 0) + 1, `${file}: a heading of level ${level} after ${headings[i - 1]}`));
      for (const link of links) {
        const [path = '', fragment] = link.split('#');
        assert.ok(path === '' || existsSync(at(book, dirname(file), path)), `${file} leads to ${link}`);
        if (fragment !== undefined) assert.ok(path !== '' || ids.has(fragment), `${file} leads to ${link}`);
      }
    }
  };

  test('the whole course without outputs is well-formed in both languages', () => {
    const { code, out, err } = hako('learn', 'export', at('plain'), '--without-outputs');
    assert.equal(code, 0, err);
    assert.equal(out, `${at('plain', 'index.html')}\n`);
    const names = ['index.html', ...entries().map(({ id }) => `${id}.html`)].toSorted();
    for (const language of ['en', 'ja']) assert.deepEqual(readdirSync(at('plain', language)).toSorted(), names);
    check('plain');
    const { lessons } = entries().find(({ id }) => id === '2.2')!;
    assert.ok(page('plain', 'ja/2.2.html').includes(`</span> ${lessons.ja.title}</h1>`));
    assert.ok(page('plain', 'en/index.html').includes(lessons.en.title));
  });

  test('an earlier book is replaced whole, in one language where that is asked for', () => {
    symlinkSync(at('plain'), at('link'));
    const { code, err } = hako('learn', 'export', at('link'), '--without-outputs', '--lang', 'ja', '--only', '2.2,4', '--only', '5.1');
    assert.equal(code, 0, err);
    const wanted = entries().filter(({ id, chapter }) => id === '2.2' || id === '5.1' || chapter === 4);
    assert.deepEqual(pages('plain'), ['index.html', ...['index.html', ...wanted.map(({ id }) => `${id}.html`)].map((name) => `ja/${name}`)].toSorted());
    check('plain');
  });

  test('what is in the way is named, and stays as it is', () => {
    mkdirSync(at('full'));
    writeFileSync(at('full/letter'), 'mine');
    writeFileSync(at('plain/ja/notes.txt'), 'mine');
    const refused = (sentence: RegExp, ...words: string[]): void => {
      const { code, out, err } = hako('learn', 'export', ...words, '--without-outputs');
      assert.deepEqual([code, out], [1, '']);
      assert.match(err, sentence);
    };
    refused(/full has letter in it, which is of no earlier book/, at('full'));
    refused(/plain has ja\/notes\.txt in it/, at('plain'));
    refused(/letter is a file: name a directory/, at('full/letter'));
    refused(/nothing can be written in .*nowhere \(ENOENT\)/, at('nowhere/book'));
    refused(/nothing can be written in \/proc\/self \(E[A-Z]+\)/, '/proc/self/book');
    refused(/ is where you are/, '.');
    refused(/\/proc is a mount point/, '/proc');
    refused(/there is no exercise 99\.1[\s\S]*hako learn list/, at('none'), '--only', '2.2,99.1');
    assert.equal(readFileSync(at('full/letter'), 'utf8') + readFileSync(at('plain/ja/notes.txt'), 'utf8'), 'minemine');
    assert.equal(existsSync(at('none')), false);
    assert.equal(hako('learn', 'export', at('none'), '--lang', 'fr').code, 125);
    rmSync(at('plain'), { recursive: true });
  });

  test('outputs are those of the run, and nothing stays of it', { skip: needsRoot() }, () => {
    const { code, err, pid } = hako('learn', 'export', at('book'), '--only', '0.2');
    assert.equal(code, 0, err);
    assert.match(err, /^\[1\/1\] 0\.2 .*: done both ways \(/m);
    check('book');
    assert.deepEqual(pages('book').length, 7);
    const en = page('book', 'en/0.2.html');
    const ja = page('book', 'ja/0.2.html');
    // The second way prints the namespaces of the process whose id was answered; the condition has read the id from the kernel.
    const [, , byHako = ''] = en.split('<pre class="terminal"');
    const found = /is its process id<br><small>found: <samp>(\d+)</.exec(byHako)?.[1];
    assert.ok(found, byHako);
    assert.ok(byHako.includes(`<samp class="expanded">answer ${found}</samp>`), byHako);
    const [, output = ''] = /<kbd>hako ns show [^\n]*<\/kbd>\n<samp class="expanded">[^<]*<\/samp>\n<samp>([^<]*)<\/samp>/.exec(byHako) ?? [];
    assert.match(output, new RegExp(`\\b${found}\\b`));
    assert.match(output, /\b40\d{8}\b/, 'the number of a namespace');
    assert.ok(ja.includes(output), 'the same run in both languages');
    assert.match(byHako, /<span class="sign" aria-hidden="true">\+<\/span><span class="unseen">new: <\/span><samp>process sleep/);
    assert.match(page('book', 'en/machine.html'), /<dt>Kernel<\/dt><dd>Linux \d/);
    const all = pages('book')
      .map((name) => page('book', name))
      .join('');
    for (const secret of [directory, root, /book-\d+/, ...(hostname().length > 4 ? [hostname()] : [])])
      assert.equal(typeof secret === 'string' ? all.includes(secret) : secret.test(all), false, String(secret));
    assert.deepEqual(nothingLeft(pid), []);
    assert.equal(existsSync(at('root/learn/progress.json')), false, "the learner's progress is not touched");
  });

  test('interrupted, it leaves neither lab nor files', { skip: needsRoot() }, async () => {
    const child = spawn(process.execPath, [program, 'learn', 'export', at('cut'), '--only', '0.2,0.3'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = once(child, 'exit');
    await new Promise<void>((resolve) => {
      const look = setInterval(() => {
        // In the midst of an exercise: its lab is there.
        if (labs().length === 0) return;
        clearInterval(look);
        resolve();
      }, 20);
      void ended.then(() => clearInterval(look));
    });
    child.kill('SIGINT');
    assert.deepEqual(await ended, [130, null]);
    assert.deepEqual(nothingLeft(child.pid!), []);
    assert.equal(existsSync(at('cut')), false);
  });

  const labs = (): string[] => (existsSync(at('run/labs')) ? readdirSync(at('run/labs')) : []).filter((name) => name.includes('book-'));
  const nothingLeft = (pid: number): string[] => [
    ...readdirSync(directory).filter((name) => name.startsWith('.')),
    ...labs(),
    ...globSync(`/sys/fs/cgroup/{,*/}hako-lab-book-${pid}`),
  ];
});
