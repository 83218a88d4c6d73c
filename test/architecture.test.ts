/** What ARCHITECTURE.md and CONTRIBUTING.md promise about the tree, held by reading the tree: imports, names, lengths, headers. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import test from 'node:test';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const sources = globSync('{src,test,bench,scripts}/**/*.ts', { cwd: root }).toSorted();

/** A folder's row of the table in ARCHITECTURE.md: what it may import, of what only the types, and what a single file may. */
interface Rule {
  readonly folders: ReadonlySet<string>;
  readonly typesOf: readonly string[];
  readonly exceptions: readonly (readonly [file: string, folder: string])[];
}

/** Reads the table: `| `src/image/` | … | storage, kernel |`. */
function importTable(): Map<string, Rule> {
  const table = new Map<string, Rule>();
  for (const [, folder, allowed] of read('ARCHITECTURE.md').matchAll(/^\| `src\/(\w+)\/` \|.*\| ([^|]+) \|$/gm)) {
    const terms = allowed!.split(',').map((term) => term.trim());
    const above = terms.includes('all above') ? [...table.keys()] : [];
    table.set(folder!, {
      folders: new Set([...above, ...terms.filter((term) => /^\w+$/.test(term))]),
      typesOf: terms.flatMap((term) => [...(/^types of `(.+)\.ts`$/.exec(term)?.slice(1) ?? [])]),
      exceptions: terms.flatMap((term) => [...term.matchAll(/^`(.+)` also (\w+)$/g)].map(([, file, also]) => [`src/${folder}/${file}`, also!] as const)),
    });
  }
  return table;
}

interface Import {
  readonly specifier: string;
  readonly typesOnly: boolean;
}

const statement = /^(?:import|export)\s+(type\s)?(?:[\w$*{}\s,]+\sfrom\s+)?'([^']+)'/gm;
const dynamic = /\bimport\('([^']+)'\)/g;

function importsOf(text: string): Import[] {
  const fixed = [...text.matchAll(statement)].map(([, type, specifier]) => ({ specifier: specifier!, typesOnly: type !== undefined }));
  const lazy = [...text.matchAll(dynamic)].map(([, specifier]) => ({ specifier: specifier!, typesOnly: false }));
  return [...fixed, ...lazy];
}

test('a folder imports only what ARCHITECTURE.md allows it', () => {
  const table = importTable();
  assert.ok(table.size >= 9, 'the table in ARCHITECTURE.md was not understood');
  const violations: string[] = [];
  for (const path of sources.filter((s) => s.startsWith('src/'))) {
    const folder = path.split('/')[1]!;
    const rule = table.get(folder);
    if (!rule) {
      violations.push(`${path}: ARCHITECTURE.md has no row for src/${folder}/`);
      continue;
    }
    for (const { specifier, typesOnly } of importsOf(read(path)).filter((i) => i.specifier.startsWith('.'))) {
      const target = relative(root, resolve(root, dirname(path), specifier));
      const [top, targetFolder] = target.split('/');
      const allowed =
        target.startsWith(`src/${folder}/`) ||
        (top === 'src' && rule.folders.has(targetFolder!)) ||
        rule.exceptions.some(([file, also]) => path === file && target.startsWith(`src/${also}/`)) ||
        (typesOnly && rule.typesOf.some((types) => target.startsWith(`src/${types}`))) ||
        (path.endsWith('.test.ts') && target.startsWith('test/support/'));
      if (!allowed) violations.push(`${path} imports ${target}${typesOnly ? ' (types)' : ''}`);
    }
  }
  assert.deepEqual(violations, []);
});

test('only src/kernel/ffi.ts loads native code', () => {
  const loaders = sources.filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts') && read(path).includes('process.dlopen'));
  assert.deepEqual(loaders, ['src/kernel/ffi.ts']);
});

test('the commands of hako-oci that only look at containers and write control files do not load what starts processes', () => {
  const lean = ['main', ...['delete', 'events', 'list', 'pause', 'ps', 'resume', 'start', 'state', 'update'].map((name) => `commands/${name}`)];
  for (const name of lean) assert.deepEqual(wayTo(`src/oci/${name}.ts`, 'src/kernel/launch/child.ts'), []);
});

/** The files by which one loads another at once; empty when it does not. */
function wayTo(from: string, to: string, seen = new Set<string>()): string[] {
  if (from === to) return [to];
  if (seen.has(from)) return [];
  seen.add(from);
  for (const [, type, specifier] of read(from).matchAll(statement)) {
    if (type || !specifier!.startsWith('.')) continue;
    const way = wayTo(relative(root, resolve(root, dirname(from), specifier!)), to, seen);
    if (way.length > 0) return [from, ...way];
  }
  return [];
}

test('there are no dependencies: the source imports Node and itself', () => {
  const foreign = sources
    .filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts'))
    .flatMap((path) => importsOf(read(path)).map((i) => i.specifier))
    .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'));
  assert.deepEqual([...new Set(foreign)], []);
  assert.equal((JSON.parse(read('package.json')) as { dependencies?: object }).dependencies, undefined);
});

test('a file has one subject: at most 400 lines, and a name that says it', () => {
  const long = sources.map((path) => ({ path, lines: read(path).split('\n').length - 1 })).filter(({ lines }) => lines > 400);
  assert.deepEqual(long, [], 'split these by subject; a reader holds about 300 lines in mind');
  const vague = sources.filter((path) => /(^|\/)(utils?|helpers?|common|misc|shared|lib)(\/|\.ts$|\.test\.ts$)/.test(path));
  assert.deepEqual(vague, [], 'name the kernel facility, the OCI noun or the command instead');
});

test('a file begins by saying what it is and why', () => {
  // A test beside the source says it by its name.
  const subjects = sources.filter((path) => !(path.startsWith('src/') && path.endsWith('.test.ts')));
  const silent = subjects.filter((path) => !/^(#!.*\n)?(\/\*\*|\/\/)/.test(read(path)));
  assert.deepEqual(silent, []);
});

test('nothing is left for later in a comment', () => {
  const marks = /\bTO[D]O\b|\bFIX[M]E\b/; // in brackets, so that this line is not one
  assert.deepEqual(
    sources.filter((path) => marks.test(read(path))),
    [],
  );
});
