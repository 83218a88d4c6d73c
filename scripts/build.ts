/**
 * Bundles src/ into dist/: one file for each program that Node runs, CommonJS, since that starts soonest
 * (docs/decisions/bundle.md). Usage: build.ts [COMMIT]
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { styleFile } from '../src/course/book/page.ts';
import { assemble, bundledName as courseName, moduleName, readSources as readCourse } from '../src/course/catalogue.ts';
import { addonFile } from '../src/kernel/addon/addon-file.ts';
import { assembleAddon } from '../src/kernel/addon/addon.ts';
import { errno } from '../src/kernel/errno.ts';
import * as flags from '../src/kernel/flags.ts';
import { architecture } from '../src/kernel/syscalls.ts';
import { bundledName, readSources } from '../src/manual/manual.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const entries = {
  hako: 'src/cli/main.ts',
  hakod: 'src/engine/hakod.ts',
  tracer: 'src/engine/tracer/main.ts',
  'layer-worker': 'src/storage/layer-worker.ts',
  'hako-oci': 'src/oci/main.ts',
  'lesson-registry': 'src/course/registry/main.ts',
};

/**
 * The commands that bring the element technologies, the lab or the course with them, and so the kernel's part: they are three times as much as all others,
 * and no other command is to read them. Modules that share what they have in common; each is loaded when its command is used.
 */
const elementCommands = globSync('src/cli/commands/*.ts', { cwd: root }).filter((path) =>
  /['"]\.\.\/(\.\.\/)?(element[./]|lab[/-]|course[/-])/.test(readFileSync(join(root, path), 'utf8')),
);
const elementModule = (path: string): string => `element-${basename(path, '.ts')}`;
const loadElsewhere: Plugin = {
  name: 'load the commands of the elements from modules of their own',
  setup(bundler) {
    bundler.onResolve({ filter: /\/commands\/[\w-]+\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import' && elementCommands.some((command) => basename(command) === basename(path))
        ? { path: `./${elementModule(path)}.mjs`, external: true }
        : undefined,
    );
  },
};

/**
 * hako-oci is started several times for each container: each of its commands is a program of its own, with nothing but what it needs
 * (src/oci/command-program.ts). Such a bundle is an expression, a function that scripts/start.cjs calls with what modules have.
 */
const ociCommands = globSync('src/oci/commands/*.ts', { cwd: root })
  .filter((path) => !path.endsWith('.test.ts'))
  .map((path) => basename(path, '.ts'));
const commandPrograms: Plugin = {
  name: 'programs of one command',
  setup(bundler) {
    bundler.onResolve({ filter: /^command:/ }, ({ path }) => ({ path: path.slice('command:'.length), namespace: 'command' }));
    bundler.onLoad({ filter: /.*/, namespace: 'command' }, ({ path }) => ({
      contents: `import { runCommandProgram } from './command-program.ts'; import { command } from './commands/${path}.ts'; runCommandProgram('${path}', command);`,
      resolveDir: join(root, 'src/oci'),
    }));
    bundler.onResolve({ filter: /\/main\.ts$/ }, () => ({ path: './hako-oci.js', external: true }));
  },
};

/**
 * The kernel's numbers, which stand in tables by their names: `errno.ENOENT`. In programs that are as short as these the number itself stands
 * where it is used, and the tables have no prototype: V8 makes such ones in a third of the time.
 */
const numberTables = { 'flags.ts': flags, 'errno.ts': { errno } } as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
const kernelNumbers: Plugin = {
  name: "the kernel's numbers as they are",
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/.*\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (path.startsWith(join(root, 'src/kernel/')) && basename(path) in numberTables)
        return { contents: text.replaceAll(/^export const \w+ = \{/gm, '$& __proto__: null,'), loader: 'ts' };
      let contents = text;
      for (const [file, tables] of Object.entries(numberTables))
        for (const [, names] of text.matchAll(new RegExp(`^import \\{([^}]*)\\} from '[^']*/${file.replace('.', '\\.')}';`, 'gm')))
          for (const name of names!.split(',').map((part) => part.trim())) {
            const table = tables[name];
            if (typeof table !== 'object' || table === null) continue;
            contents = contents.replaceAll(new RegExp(`\\b${name}\\.([A-Z]\\w*)\\b`, 'g'), (written, key: string) => {
              const number = (table as Readonly<Record<string, unknown>>)[key];
              return typeof number === 'number' ? String(number) : written;
            });
          }
      return { contents, loader: 'ts' };
    });
  },
};

/** Each exercise's conditions are a module, loaded when it is done. */
const exercises = globSync('src/course/exercises/*/*/exercise.ts', { cwd: root });
const exerciseModule = (path: string): string => moduleName(path.split('/').slice(3, 5).join('/'));

const common = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  sourcemap: 'external',
  minifySyntax: true,
  minifyWhitespace: true, // V8 reads the whole file at each start
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

const built = await Promise.all([
  build({
    ...common,
    entryPoints: Object.fromEntries(Object.entries(entries).filter(([, source]) => existsSync(join(root, source)))),
    format: 'cjs',
    define: { 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
    plugins: [loadElsewhere],
  }),
  build({
    ...common,
    entryPoints: Object.fromEntries(ociCommands.map((name) => [`oci-${name}`, `command:${name}`])),
    format: 'cjs',
    define: { 'import.meta.filename': '__filename', 'import.meta.dirname': '__dirname' },
    plugins: [commandPrograms, kernelNumbers],
    supported: { 'dynamic-import': false }, // require, which scripts/start.cjs gives
    // V8 reads all of it, and keeps it: names of one letter make it a third shorter.
    minifyIdentifiers: true,
    // The first line is where scripts/start.cjs finds under which name V8's part of it is kept.
    banner: { js: '//\n(function(require,__filename,__dirname){' },
    footer: { js: '})' },
  }),
  build({
    ...common,
    entryPoints: Object.fromEntries([...elementCommands.map((path) => [elementModule(path), path]), ...exercises.map((path) => [exerciseModule(path), path])]),
    format: 'esm',
    splitting: true,
    outExtension: { '.js': '.mjs' },
    chunkNames: 'element-shared-[hash]',
  }),
]).catch(() => process.exit(1)); // it has said why
const outputFiles = built.flatMap((result) => result.outputFiles);

// Each file appears whole or not at all: another hako may be starting from this directory now. built-from comes last.
const codeCache = join(dist, 'code-cache');
mkdirSync(codeCache, { recursive: true });
const files: readonly (readonly [name: string, contents: string | Uint8Array])[] = [
  ['package.json', '{ "type": "commonjs" }\n'],
  [bundledName, JSON.stringify(readSources())],
  [courseName, courseText()],
  [addonFile, assembleAddon(architecture)],
  [styleFile, readFileSync(join(root, 'src/course/book', styleFile))],
  ...outputFiles.map((file) => [basename(file.path), named(basename(file.path), file.contents)] as const),
  ['built-from', `${process.argv[2] ?? headCommit()}\n`],
];
for (const [name, contents] of files) {
  const temporary = join(dist, `.${name}.${process.pid}`);
  writeFileSync(temporary, contents);
  renameSync(temporary, join(dist, name));
}

// What an earlier bundle had and this one has not: shared parts are named by their contents.
const current = new Set(files.map(([name]) => name));
for (const name of readdirSync(dist)) if (/^(element|exercise|oci)-/.test(name) && !current.has(name)) rmSync(join(dist, name));
for (const name of readdirSync(codeCache)) rmSync(join(codeCache, name), { force: true });

/** The course; a folder of it that is not whole ends the build with a sentence, since whoever adds an exercise meets that often. */
function courseText(): string {
  try {
    const sources = readCourse();
    assemble(sources);
    return JSON.stringify(sources);
  } catch (error) {
    if ((error as Error).name !== 'LessonError') throw error;
    console.error(`hako: ${(error as Error).message}`);
    return process.exit(1);
  }
}

/** A bundle whose first line is an empty comment, with its name and a hash of it there; anything else as it is. */
function named(name: string, contents: Uint8Array): string | Uint8Array {
  const text = Buffer.from(contents).toString('latin1');
  if (!text.startsWith('//\n')) return contents;
  return `//${name}-${createHash('sha256').update(text).digest('hex').slice(0, 16)}${text.slice(2)}`;
}

/** What the launcher, too, finds: the commit that is checked out, or `unversioned`. */
function headCommit(): string {
  const git = spawnSync('git', ['-C', root, 'rev-parse', '--verify', '--quiet', 'HEAD'], { encoding: 'utf8' });
  return existsSync(join(root, '.git')) && git.status === 0 ? git.stdout.trim() : 'unversioned';
}
