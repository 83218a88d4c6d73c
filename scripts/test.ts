/**
 * Runs all tests, with the type check as the first. Usage: test.ts [FILE|FOLDER…] (default: src and test, but test/callers, which
 * scripts/callers.sh runs, and test/course, which takes minutes: `npm run test:course`)
 *
 * The last line is `N passed, N failed, N skipped`, alone. Each skipped test states its reason; with HAKO_REQUIRE=all, a skip
 * for want of a Debian package that scripts/install-test-packages.sh installs is a failure.
 */
import { spawn } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

const root = join(import.meta.dirname, '..');
process.chdir(root);

const wanted = process.argv.length > 2 ? process.argv.slice(2) : ['src', 'test'];
const files = wanted
  .flatMap((path) => (statSync(path).isDirectory() ? globSync(`${path}/**/*.test.ts`) : [path]))
  .filter((path) => !/^test\/(callers|course)\//.test(path) || process.argv.length > 2)
  .toSorted();

/** .ci/run counts its own checks, too, so that the closing line tells all. */
const count = { passed: 0, failed: Number(process.env.HAKO_CHECKS_FAILED ?? 0), skipped: 0 };
/** Reason, then the tests that gave it. */
const skips = new Map<string, string[]>();

const typeCheck = spawn('node_modules/.bin/tsc', ['-p', '.'], { stdio: 'inherit' });
const [typeErrors] = (await once(typeCheck, 'exit')) as [number | null];
if (typeErrors === 0) count.passed++;
else count.failed++;
console.log(typeErrors === 0 ? '✔ type check' : '✖ type check (errors above)');

// Two files at a time: most of a test's time is the kernel's, and machines for this have two cores or more.
// HAKO_TEST_ENTRY: the tests that run the command line take the bundle, which `npm test` has just made; it starts faster than the source.
process.env.HAKO_TEST_ENTRY ??= 'dist';
/** Runs files. @returns the failures, by file; the empty name where it is not known */
async function runFiles(paths: readonly string[], concurrency: number, isFirst: boolean): Promise<Map<string, string[]>> {
  const failures = new Map<string, string[]>();
  // --test-force-exit: a file whose tests are done ends, though one that failed may have left something open.
  const tests = run({ files: [...paths], concurrency, timeout: 300_000, execArgv: ['--test-force-exit'] });
  tests.on('test:pass', (event) => {
    if (!isFirst || (event.details.type === 'suite' && event.skip === undefined)) return;
    if (event.skip === undefined) count.passed++;
    else skipped(event.skip, `${relative(root, event.file ?? '')}: ${event.name}`);
  });
  tests.on('test:fail', (event) => {
    // A suite, or a test with subtests, also fails because one in it did, and that one is counted.
    const { failureType } = event.details.error as Error & { failureType?: string };
    if (failureType === 'subtestsFailed') return;
    const file = event.file === undefined ? '' : relative(root, event.file);
    failures.set(file, [...(failures.get(file) ?? []), event.name]);
  });
  tests.pipe(new spec()).pipe(process.stdout, { end: false });
  await once(tests, 'end');
  return failures;
}

// A file that failed is run once more, alone: what fails again is broken; what passes then is unsteady, and is named to be mended
// (docs/decisions/unsteady-tests.md). Many failures are no accident, and are not tried again.
const failures = await runFiles(files, 2, true);
// A test may be declared by a file of test/support, which by itself runs nothing: then it is not known which file to run.
const areKnown = [...failures.keys()].every((file) => files.includes(file));
const again = failures.size > 0 && failures.size <= 3 && areKnown ? await runFiles([...failures.keys()], 1, false) : failures;
const unsteady = [...failures].filter(([file]) => !again.has(file));
for (const names of again.values()) count.failed += names.length;
for (const [, names] of unsteady) count.passed += names.length;

function skipped(reason: boolean | string, test: string): void {
  const text = reason === true || reason === '' ? 'no reason given' : String(reason);
  if (process.env.HAKO_REQUIRE === 'all' && /\bmissing\b|not installed/.test(text)) count.failed++;
  else count.skipped++;
  skips.set(text, [...(skips.get(text) ?? []), test]);
}

if (skips.size > 0) console.log('\nSkipped:');
for (const [reason, names] of skips) {
  console.log(`  ${reason} (${names.length})`);
  for (const name of names) console.log(`    ${name}`);
}
if (unsteady.length > 0) console.log('\nUnsteady (failed, and passed when run again alone):');
for (const [file, names] of unsteady) console.log(`  ${file}: ${names.join('; ')}`);
console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed === 0 ? 0 : 1;
