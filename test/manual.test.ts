/**
 * The manual against the source: every step that the source can take has a page in both languages and a real example, and no page is
 * left of a step that is no more. Ids are found in the text of the source, and by explaining the procedures (support/every-step.ts).
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { displayWidth } from '../src/cli/columns.ts';
import { FakeEngine, Refusal, runHako } from '../src/cli/engine-fixture.ts';
import { readSources, type Example } from '../src/manual/manual.ts';
import { languages, labels, parsePages, parts, type Page } from '../src/manual/page.ts';
import { everyStep, examplesText, unable } from './support/every-step.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manual = readSources();

const whatToDo =
  'for each of these steps: write its page in src/manual/en/AREA.md and src/manual/ja/AREA.md (the form: src/manual/page.ts); ' +
  'have a procedure of test/support/every-step.ts take it; and run: node_modules/.bin/node scripts/manual-examples.ts';

/** Ids that the source puts together, each with what can be put in. A new template has its line here. */
const families: Readonly<Record<string, readonly string[]>> = {
  'cgroup.limit.${controller}': namesIn('src/runtime/cgroup/limits.ts', /^ {2}\['([\w-]+)', \(r\)/gm).map((name) => `cgroup.limit.${name}`),
  'namespace.${type}': namesIn('src/runtime/init.ts', /^ {2}(\w+): cloneFlags\.CLONE_NEW/gm).map((name) => `namespace.${name}`),
  'net.link.${word}': namesIn('src/element/net/links.ts', /^ {2}const word = up \? '(\w+)' : 'down';$/gm)
    .concat('down')
    .map((name) => `net.link.${name}`),
  'namespace.enter-${id}': namesIn('src/runtime/prepare-exec.ts', /enterStep\('(\w+)'/g).map((name) => `namespace.enter-${name}`),
  'mount.${stepName(mount)}': [...namesIn('src/runtime/rootfs/mount-steps.ts', /^ {2}'\/[\w/]+': '(\w+)',$/gm), 'cgroup', 'tmpfs', 'filesystem'].map(
    (name) => `mount.${name}`,
  ),
};

/** Steps that depend on what the machine has already: whether names of network namespaces are kept. */
const machines: ReadonlySet<string> = new Set(['net.names']);

/** Texts that look like an id and are none: files of cgroups, extended attributes. */
const notSteps = /^cgroup\.(procs|events|controllers|subtree_control|type|max)$|^user\.(overlay|dir|note)\b/;

function namesIn(path: string, pattern: RegExp): string[] {
  const names = [...new Set([...read(path).matchAll(pattern)].map(([, name]) => name!))];
  assert.ok(names.length > 0, `${path} no longer says ${pattern}: correct the families in test/manual.test.ts`);
  return names;
}

/** Every id in the text of the source, with the file that has it. */
function idsInSource(): Map<string, string> {
  const sources = globSync('src/{kernel,step,runtime,network,storage,engine,element}/**/*.ts', { cwd: root }).filter(
    (path) => !/(\.test|fixture)\.ts$/.test(path),
  );
  const texts = sources.map((path) => ({ path, text: read(path).replaceAll(/^\s*(\*|\/\/).*$/gm, '') }));
  const areas = new Set(texts.flatMap(({ text }) => [...text.matchAll(/\bid: [^\n]*?['`]([a-z]+)\.[a-z]/g)].map(([, area]) => area!)));
  const found = new Map<string, string>();
  for (const { path, text } of texts) {
    for (const [, literal] of text.matchAll(/'([a-z]+(?:\.[a-z][a-z-]*)+)'/g))
      if (areas.has(literal!.split('.')[0]!) && !notSteps.test(literal!) && !/\.(ts|js|json)$/.test(literal!)) found.set(literal!, path);
    for (const [, template] of text.matchAll(/\bid: `([^`]+\$\{[^`]*)`/g)) {
      const members = families[template!];
      assert.ok(members, `${path} makes ids by "${template}": say in the families of test/manual.test.ts which there are`);
      for (const id of members) found.set(id, path);
    }
  }
  return found;
}

describe('the manual', () => {
  const documented = new Map(languages.map((language) => [language, new Map(manual.pages[language].map((page) => [page.id, page]))]));
  const examples = new Set(manual.examples.map(({ id }) => id));

  test('has a page in both languages, and an example, for every step that the source names', () => {
    const ids = idsInSource();
    assert.ok(ids.size > 100, `${ids.size} ids were found`);
    const missing = [...ids].filter(([id]) => !examples.has(id) || languages.some((language) => !documented.get(language)!.has(id)));
    assert.deepEqual(
      missing.map(([id, path]) => `${id} (${path})`),
      [],
      whatToDo,
    );
  });

  test('has a page in both languages for every step that procedures take, and examples that are current', { skip: unable }, () => {
    const steps = everyStep();
    const ids = steps.map(({ explanation }) => explanation.id);
    assert.deepEqual(
      ids.filter((id) => languages.some((language) => !documented.get(language)!.has(id))),
      [],
      whatToDo,
    );
    if (process.arch !== 'x64') return; // the filter's length, and what else is in numbers
    const now = JSON.parse(examplesText(steps)) as readonly Example[];
    const kept = new Map(manual.examples.map((example) => [example.id, JSON.stringify(example)]));
    assert.deepEqual(
      now
        .filter(({ id }) => !machines.has(id))
        .filter((example) => kept.get(example.id) !== JSON.stringify(example))
        .map(({ id }) => id),
      [],
      'these examples are not what the engine does now: node_modules/.bin/node scripts/manual-examples.ts',
    );
    assert.deepEqual(
      manual.examples.map(({ id }) => id),
      ids,
      'the examples are in another order: node_modules/.bin/node scripts/manual-examples.ts',
    );
  });

  test('has no page of a step that is no more, and none twice', () => {
    for (const language of languages) {
      const ids = manual.pages[language].map(({ id }) => id);
      assert.deepEqual(
        ids.filter((id) => !examples.has(id)),
        [],
        `no procedure takes these steps: delete their pages in src/manual/${language}/`,
      );
      assert.deepEqual(
        ids.filter((id, i) => ids.indexOf(id) !== i),
        [],
        language,
      );
    }
  });

  test('says the same of neighbours in both languages, and only of steps that there are', () => {
    for (const page of manual.pages.en) {
      assert.deepEqual(documented.get('ja')!.get(page.id)?.see, page.see, `${page.id}: other neighbours in Japanese`);
      assert.deepEqual(
        page.see.filter((id) => id === page.id || !documented.get('en')!.has(id)),
        [],
        page.id,
      );
    }
  });

  test('keeps each page in the file of its area, of a length that is read, in the language it is in', () => {
    for (const language of languages) {
      for (const file of globSync(`src/manual/${language}/*.md`, { cwd: root })) {
        const area = /(\w+)\.md$/.exec(file)![1]!;
        for (const page of parsePages(read(file), language, file)) {
          assert.equal(page.id.split('.')[0], area, `${page.id} is in ${file}`);
          assert.ok(displayWidth(page.title) <= 48, `${language} ${page.id}: the title is too long for a list`);
          const text = textOf(page);
          const columns = displayWidth(text);
          assert.ok(columns > 400 && columns < 2400, `${language} ${page.id}: ${columns} columns; a page is 6 to 30 lines of 80`);
          assert.equal(/[ぁ-ん]/.test(page.title + text), language === 'ja', `${page.id} is not in ${language}`);
          for (const item of page.pitfalls) assert.match(item, /^(- | {4})/, `${language} ${page.id}: pitfalls are a list`);
        }
      }
    }
  });

  const textOf = (page: Page): string => parts.flatMap((part) => page[part]).join('\n');
});

describe('hako explain', () => {
  const hako = (args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof runHako> =>
    runHako(['explain', ...args], { LC_ALL: '', LC_MESSAGES: '', LANG: '', ...env });

  test('lists all steps in the order of a run', async () => {
    const { stdout, code } = await hako([]);
    assert.equal(code, 0);
    const ids = [...stdout.matchAll(/^ {2}([a-z]+\.\S+) {2,}\S/gm)].map(([, id]) => id);
    assert.deepEqual(
      ids,
      manual.examples.map(({ id }) => id),
    );
    const at = (id: string): number => manual.examples.findIndex((example) => example.id === id);
    assert.ok(at('cgroup.create') < at('process.clone') && at('mount.pivot') < at('process.exec'));
    for (const line of stdout.split('\n')) assert.ok(displayWidth(line) <= 80, line);
  });

  test('prints a page, with the step as a run has it, in 80 columns but for code', async () => {
    const { stdout } = await hako(['mount.pivot']);
    for (const part of ['why', 'order', 'without', 'pitfalls', 'see'] as const) assert.match(stdout, new RegExp(`^${labels.en[part]}$`, 'm'));
    assert.match(stdout, /^ {2}calls {2}fchdir\(\$ROOTFD\)\n {9}pivot_root\("\.", "\."\)$/m);
    assert.match(stdout, /^ {2}chdir\(2\), pivot_root\(2\), umount\(2\)$|pivot_root\(2\)/m);
    for (const line of stdout.split('\n').slice(0, 20)) assert.ok(displayWidth(line) <= 80, line);
  });

  test('speaks the language that is asked for, else that of the environment', async () => {
    const title = new Map(languages.map((language) => [language, manual.pages[language].find(({ id }) => id === 'mount.pivot')!.title]));
    const first = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
      (await hako(['mount.pivot', ...args], env)).stdout.split('\n')[0]!;
    assert.equal(await first(['--lang', 'ja']), `mount.pivot  ${title.get('ja')}`);
    assert.equal(await first([], { LANG: 'ja_JP.UTF-8' }), `mount.pivot  ${title.get('ja')}`);
    assert.equal(await first([], { LANG: 'ja_JP.UTF-8', LC_ALL: 'C' }), `mount.pivot  ${title.get('en')}`);
    assert.equal(await first(['--lang', 'en'], { LANG: 'ja_JP.UTF-8' }), `mount.pivot  ${title.get('en')}`);
    assert.deepEqual(await hako(['--lang', 'fr']), {
      code: 125,
      stdout: '',
      stderr: `hako: invalid argument "fr" for "--lang" flag: it must be en or ja\nSee 'hako explain --help'.\n`,
    });
  });

  test('gives programs a page, and the list', async () => {
    const page = JSON.parse((await hako(['mount.pivot', '--format', 'json'])).stdout) as Page & {
      readonly step: { readonly calls: readonly string[]; readonly man: readonly string[] };
    };
    assert.equal(page.id, 'mount.pivot');
    assert.ok(page.why.length && page.step.calls.includes('pivot_root(".", ".")') && page.step.man.includes('pivot_root(2)'));
    const rows = (await hako(['--format', 'json'])).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { readonly ID: string });
    assert.equal(rows.length, manual.pages.en.length);
    assert.equal((await hako(['--format', '{{.ID}}'])).stdout.split('\n')[0], rows[0]!.ID);
  });

  test('names what is meant by a name that is none, and asks no engine for what is written as a step is', async () => {
    const error = async (name: string): Promise<string> => (await hako([name], { HAKO_RUN: '/nowhere' })).stderr.split('\n')[0]!;
    assert.equal(await error('mount.pivto'), 'hako: there is no step "mount.pivto", did you mean mount.pivot?');
    assert.equal(await error('mount.zzzzz'), 'hako: there is no step "mount.zzzzz"');
  });

  test('takes what is no step for a container', async () => {
    await using engine = await new FakeEngine({
      answers: {
        'GET /containers/*': ({ path }) => {
          throw new Refusal(404, `No such container: ${path.split('/')[2]}`);
        },
      },
    }).start();
    const ended = await hako(['pivot'], { HAKO_RUN: engine.directory });
    assert.deepEqual(ended, {
      code: 1,
      stdout: '',
      stderr: `hako: there is no step and no container "pivot", did you mean mount.pivot?\nSee 'hako explain' for the list of steps.\n`,
    });
    assert.deepEqual(engine.asked, ['GET /containers/pivot/explain']);
    assert.match((await hako(['mnt.pivot'], { HAKO_RUN: engine.directory })).stderr, /did you mean mount\.pivot/);
  });
});
