/** The whole of config.json, with something wrong at each of its paths in turn. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { changed, fullConfig, fullProcess, fullResources, pathsOf, pathText, valueAt, type Json, type JsonPath } from '../../../test/support/full-config.ts';
import { OciError } from '../error.ts';
import { formatJson, parseJson } from './json.ts';
import { validateConfig, validateProcess, validateResources } from './read.ts';

const full = fullConfig();
const paths = [...pathsOf(full)];

/** What is said of a document; undefined when it may be. */
function refusal(document: Json): string | undefined {
  try {
    validateConfig(document);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof OciError, `not an OciError: ${String((error as Error).stack)}`);
    return error.message;
  }
}

function assertNamed(path: JsonPath, value: Json | undefined, name = pathText(path)): void {
  const message = refusal(changed(full, path, value));
  assert.ok(message !== undefined, `${name} = ${JSON.stringify(value)} was accepted`);
  assert.ok(message.includes(`${name} `), `${name} = ${JSON.stringify(value)} is not named: ${message}`);
  assert.doesNotMatch(message, /[\0\n]/);
}

test('a configuration with every property is accepted, and nothing in it is unknown', () => {
  const { spec, warnings, notes } = validateConfig(full);
  assert.deepEqual(notes, []);
  assert.deepEqual(
    warnings.filter((warning) => !/kernel(TCP)? is deprecated/.test(warning)),
    [],
  );
  for (const path of paths) assert.notEqual(valueAt(spec as unknown as Json, path), undefined, `${pathText(path)} is lost`);
  assert.equal(paths.length > 250, true);
});

test('what a property says is what the runtime gets', () => {
  const { spec } = validateConfig(full);
  assert.deepEqual(spec, full);
  assert.deepEqual(validateProcess(fullProcess()).process, fullProcess());
  assert.deepEqual(validateResources(fullResources()).resources, fullResources());
});

test('a value of another type is refused at every path, by its path', () => {
  const others: Json[] = [{ a: 1 }, [[]], 'not that', 1.5, true];
  const kind = (value: Json): string => (Array.isArray(value) ? 'array' : typeof value);
  for (const path of paths) {
    const now = valueAt(full, path);
    for (const other of others) {
      // An array may be for an array: then what it holds is wrong. So may an object, which only has what nobody knows.
      if (kind(other) === kind(now) && typeof now !== 'number') continue;
      assertNamed(path, other);
    }
  }
});

test('null is the same as nothing: what must be there is missing, the rest may be', () => {
  for (const path of paths) {
    const message = refusal(changed(full, path, null));
    const inList = typeof path.at(-1) === 'number' || /annotations|sysctl|unified|rdma|timeOffsets/.test(String(path.at(-2)));
    if (inList) assert.match(message ?? 'accepted', /must be /, pathText(path));
    else assert.equal(message, refusal(changed(full, path, undefined)), pathText(path));
  }
});

test('a property that is not there is refused only where it must be, and then by its path', () => {
  const missing = new Set<string>();
  for (const path of paths) {
    const message = refusal(changed(full, path, undefined));
    if (message === undefined) continue;
    assert.ok(
      message.includes(pathText(path).replace(/\[\d+\]$/, '')) || /SCHED_FIFO|needs|mappings|in the host's/i.test(message),
      `${pathText(path)}: ${message}`,
    );
    if (message.includes(`${pathText(path)} is missing`)) missing.add(pathText(path).replaceAll(/\[\d+\]/g, '[]'));
  }
  for (const name of ['ociVersion', 'process', 'root', 'root.path', 'process.cwd', 'process.args', 'linux.uidMappings', 'mounts[].destination']) {
    assert.ok(missing.has(name), `${name} may be missing`);
  }
  for (const name of ['hostname', 'mounts', 'hooks', 'linux', 'process.env', 'process.user', 'linux.cgroupsPath']) assert.ok(!missing.has(name), name);
});

test('a text with a NUL, or with half of a character, is refused at every path', () => {
  for (const path of paths) {
    const now = valueAt(full, path);
    if (typeof now !== 'string') continue;
    assertNamed(path, `${now}\0`);
    assertNamed(path, `${now}\ud800`);
    assertNamed(path, `${now}\0${'x'.repeat(100_000)}`);
  }
});

test('an unknown property is no error anywhere: it is told of by its path', () => {
  for (const path of [[], ...paths]) {
    const now = path.length === 0 ? full : valueAt(full, path);
    if (typeof now !== 'object' || Array.isArray(now) || now === null) continue;
    if (/^(annotations|sysctl|unified|rdma|timeOffsets)$/.test(String(path.at(-1)))) continue; // whose keys are free
    for (const key of ['x-extension', 'Later', '__proto__', 'constructor', 'toString']) {
      const { spec, notes } = validateConfig(changed(full, [...path, key], { anything: [1] }));
      const name = pathText([...path, key]);
      assert.ok(
        notes.some((note) => note.startsWith(`config.json: ${name} is not a property`)),
        `${name} is not told of: ${notes.join('; ')}`,
      );
      assert.deepEqual(spec, full, name);
    }
  }
  assert.equal(({} as { anything?: unknown }).anything, undefined);
});

test('a key of a map that is the name of a property of all objects is a key like others', () => {
  const annotations = '{"__proto__":"a","constructor":"b"}';
  const { spec } = validateConfig(parseJson(JSON.stringify(full).replace(/"annotations":\{[^}]*\}/, `"annotations":${annotations}`), 'config.json'));
  assert.deepEqual(Object.entries(spec.annotations ?? {}), [
    ['__proto__', 'a'],
    ['constructor', 'b'],
  ]);
});

test('of many problems the first are told and the others counted', () => {
  const message = refusal({ ...full, mounts: Array.from({ length: 1000 }, () => ({ destination: 5, options: 'ro' })) });
  assert.match(
    message ?? '',
    /^config\.json: mounts\[0\]\.destination must be a string, not 5; mounts\[0\]\.options must be an array, not "ro"; .*; and 1995 more$/,
  );
  assert.ok(message!.length < 500);
});

test('whatever is changed, the answer is a sentence or a configuration that is read as the same again', () => {
  let state = 7;
  /** The same numbers each time: what fails once fails again. */
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return (state >> 8) % below;
  };
  const odd: Json[] = [null, true, 0, -1, 1.5, 2 ** 32, 2 ** 53, 2 ** 64, '', 'x', '/x', '..', '\n', [], [[]], {}, { a: 1 }, 'pid', 'bind', 'c', '0-1'];
  const parts = paths.map((path) => valueAt(full, path));
  for (let i = 0; i < 1000; i++) {
    let document: Json = full;
    for (let changes = random(3); changes >= 0; changes--) {
      const places = [...pathsOf(document)];
      const value = random(2) ? odd[random(odd.length)]! : parts[random(parts.length)]!;
      document = changed(document, places[random(places.length)]!, random(8) ? structuredClone(value) : undefined);
    }
    if (refusal(document) !== undefined) continue;
    const { spec } = validateConfig(document);
    assert.deepEqual(validateConfig(parseJson(formatJson(spec), 'config.json')).spec, spec);
  }
});
