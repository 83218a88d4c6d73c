/**
 * What `launch.sh` has Node run: `start.cjs BUNDLE WORD…` runs a bundle of dist/ as its main module, with what V8 compiled of it when it
 * last ran to its end. Node's own compile cache keeps what is compiled as a file is loaded, which leaves out nearly every function;
 * this one is written as a program ends and so holds all that it used (docs/decisions/bundle.md).
 */
'use strict';
const { readFileSync, renameSync, rmSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const main = process.argv[2];
const directory = dirname(main);
const loaded = new Map();
process.argv.splice(1, 1); // as if Node had been given the bundle itself
process.once('exit', (status) => status === 0 && keepAll());
load(main);

/** A bundle's exports. It may require other bundles, by `./NAME.js`. */
function load(path) {
  const known = loaded.get(path);
  if (known) return known.module.exports;
  // A bundle is ASCII, and its first line names what it holds: V8 itself tells texts apart by their length only.
  const source = readFileSync(path, 'latin1');
  const [, name] = /^\/\/([\w.-]+)\n/.exec(source) ?? [];
  const cache = name && join(directory, 'code-cache', name);
  const cachedData = cache && readIfThere(cache);
  const script = new Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, { filename: path, cachedData });
  const module = { exports: {} };
  loaded.set(path, { module, script, cache, isNew: cache !== undefined && (cachedData === undefined || script.cachedDataRejected) });
  script.runInThisContext()(module.exports, (name) => (name.startsWith('./') ? load(join(directory, name)) : require(name)), module, path, directory);
  return module.exports;
}

function readIfThere(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Writes what was compiled. Where that can't be done (another's clone, a full disk), the next start compiles again. */
function keepAll() {
  for (const { script, cache, isNew } of loaded.values()) {
    if (!isNew) continue;
    const temporary = `${cache}.${process.pid}`;
    try {
      // flush: whole or not at all, also after a loss of power
      writeFileSync(temporary, script.createCachedData(), { flag: 'wx', mode: 0o644, flush: true });
      renameSync(temporary, cache);
    } catch {
      rmSync(temporary, { force: true });
    }
  }
}
