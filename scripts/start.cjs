/**
 * What `launch.sh` has Node run for hako-oci: `start.cjs MAIN WORD…`. Each command is a bundle of its own beside the main one, `oci-NAME.js`:
 * of the first word that is the name of one. Such a bundle is a function, which is called with what modules have. It is run with what V8
 * compiled of it when it last ran to its end: Node's own compile cache keeps what is compiled as a file is loaded, which leaves out nearly
 * every function; this one is written as a program ends and so holds all that it used (docs/decisions/bundle.md).
 */
'use strict';
const { readFileSync, renameSync, rmSync, writeFileSync, writeSync } = require('node:fs');

const main = process.argv[2];
process.argv.splice(1, 1); // as if Node had been given the main bundle itself
const directory = main.slice(0, main.lastIndexOf('/'));
const modules = new Map();
const bundle = findBundle();
try {
  if (bundle) run(bundle);
  else {
    process.once('exit', flush);
    require(main);
  }
} catch (error) {
  // A clone that is not whole (src/kernel/ffi.ts); anything else is a defect of ours.
  if (error.name !== 'AddonError') throw error;
  writeSync(2, `hako-oci: ${error.message}\n`);
  process.exit(1);
}

/** A command's bundle. A word that is a flag's value may be a name, too: then the command's program hands over to the main one. */
function findBundle() {
  for (const word of process.argv.slice(2)) {
    if (word === '' || word.startsWith('-') || word.includes('/')) continue;
    const path = `${directory}/oci-${word}.js`;
    // A bundle is ASCII.
    const source = readIfThere(path, 'latin1');
    if (source !== undefined) return { path, source };
  }
  return undefined;
}

function run({ path, source }) {
  const { Script } = require('node:vm');
  // The first line names what the bundle holds: V8 itself tells texts apart by their length only.
  const cache = `${directory}/code-cache/${source.slice('//'.length, source.indexOf('\n'))}`;
  const cachedData = readIfThere(cache);
  const script = new Script(source, { filename: path, cachedData });
  if (cachedData === undefined || script.cachedDataRejected) process.once('exit', (status) => status === 0 && keep(script, cache));
  script.runInThisContext()(load, path, directory);
}

/** What a bundle requires: one of Node's modules, which Node's own way to it would look for again each time (50 times 10 µs), or another bundle. */
function load(name) {
  let module = modules.get(name);
  if (module === undefined) modules.set(name, (module = require(name.startsWith('./') ? directory + name.slice(1) : name)));
  return module;
}

function readIfThere(path, encoding) {
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}

/** Has Node write its own compile cache, in which this file is, and the main bundle: it would as it ends, but our programs end by exit_group(2). */
function flush() {
  require('node:module').flushCompileCache();
}

/** Writes what was compiled. Where that can't be done (another's clone, a full disk), the next start compiles again. */
function keep(script, cache) {
  const temporary = `${cache}.${process.pid}`;
  try {
    // flush: whole or not at all, also after a loss of power
    writeFileSync(temporary, script.createCachedData(), { flag: 'wx', mode: 0o644, flush: true });
    renameSync(temporary, cache);
  } catch {
    rmSync(temporary, { force: true });
  }
  flush();
}
