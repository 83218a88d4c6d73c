/**
 * Bundles src/ into dist/: one file for each program that Node runs, CommonJS, since that starts soonest
 * (docs/decisions/bundle.md). Usage: build.ts [COMMIT]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const entries = {
  hako: 'src/cli/main.ts',
  hakod: 'src/engine/hakod.ts',
  'layer-worker': 'src/storage/layer-worker.ts',
  'hako-oci': 'src/oci/main.ts',
};

const present = Object.entries(entries).filter(([, source]) => existsSync(join(root, source)));
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(present),
  outdir: dist,
  bundle: true,
  write: false,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': 'importMetaUrl', 'import.meta.dirname': '__dirname' },
  external: ['koffi'], // finds its native part beside itself
  sourcemap: 'external',
  minifySyntax: true,
  minifyWhitespace: true, // V8 reads the whole file at each start
  legalComments: 'none',
  logLevel: 'warning',
}).catch(() => process.exit(1)); // it has said why

// Each file appears whole or not at all: another hako may be starting from this directory now. built-from comes last.
mkdirSync(dist, { recursive: true });
const files: readonly (readonly [name: string, contents: string | Uint8Array])[] = [
  ['package.json', '{ "type": "commonjs" }\n'],
  ...outputFiles.map((file) => [basename(file.path), file.contents] as const),
  ['built-from', `${process.argv[2] ?? headCommit()}\n`],
];
for (const [name, contents] of files) {
  const temporary = join(dist, `.${name}.${process.pid}`);
  writeFileSync(temporary, contents);
  renameSync(temporary, join(dist, name));
}

/** What the launcher, too, finds: the commit that is checked out, or `unversioned`. */
function headCommit(): string {
  const git = spawnSync('git', ['-C', root, 'rev-parse', '--verify', '--quiet', 'HEAD'], { encoding: 'utf8' });
  return existsSync(join(root, '.git')) && git.status === 0 ? git.stdout.trim() : 'unversioned';
}
