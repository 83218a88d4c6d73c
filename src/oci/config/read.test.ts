/** config.json as a file: what may be one, and numbers that JavaScript has no room for. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fullConfig } from '../../../test/support/full-config.ts';
import { formatJson, parseJson } from './json.ts';
import { readConfig, readDocument, validateConfig } from './read.ts';

/** A bundle with a root and what is to be its config.json; gone at the end. */
function bundle(config?: string | Buffer): { readonly path: string; readonly file: string } & Disposable {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'hako-test-bundle-'));
  mkdirSync(join(path, 'rootfs'));
  const file = join(path, 'config.json');
  if (config !== undefined) writeFileSync(file, config);
  return { path, file, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
const text = JSON.stringify(fullConfig());
const refusal = (read: () => unknown): string => {
  try {
    read();
  } catch (error) {
    assert.equal((error as Error).name, 'OciError', String((error as Error).stack));
    return (error as Error).message;
  }
  return 'accepted';
};

test('paths that are relative to the bundle become absolute, and only those', () => {
  using made = bundle(text);
  const { spec } = readConfig(made.path);
  assert.equal(spec.root.path, join(made.path, 'rootfs'));
  assert.deepEqual(
    spec.mounts.map(({ source }) => source),
    ['proc', 'tmpfs', join(made.path, 'data')],
  );
});

test('the root must be a directory; it may be behind a link', () => {
  using made = bundle(text);
  const withRoot = (path: string): string => {
    writeFileSync(made.file, text.replace('"path":"rootfs"', `"path":${JSON.stringify(path)}`));
    return readConfig(made.path).spec.root.path;
  };
  symlinkSync('rootfs', join(made.path, 'link'));
  assert.equal(withRoot('link'), join(made.path, 'rootfs'));
  assert.equal(withRoot(join(made.path, 'rootfs')), join(made.path, 'rootfs'));
  assert.match(
    refusal(() => withRoot('none')),
    /^config\.json: root\.path: invalid rootfs .*\/none: no such file or directory \(ENOENT\)$/,
  );
  assert.match(
    refusal(() => withRoot('config.json')),
    /root\.path: invalid rootfs .*: it is not a directory$/,
  );
});

test('a document that breaks off is refused wherever it does', () => {
  for (let length = 0; length < text.length; length += 13) {
    assert.match(
      refusal(() => validateConfig(parseJson(text.slice(0, length), 'config.json'))),
      /^config\.json is not valid JSON: /,
    );
  }
});

test('what is not JSON is refused', () => {
  for (const wrong of ['', ' ', 'null x', '{"a":1,}', "{'a':1}", '{a:1}', '// no\n{}', '\ufeff{}', 'NaN', '{"a":1}{}', '{"a":01}', '{"a":"\n"}'])
    assert.match(
      refusal(() => parseJson(wrong, 'config.json')),
      /^config\.json is not valid JSON: /,
      wrong,
    );
});

test('what is nested without end is refused, wherever it is', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000);
  for (const document of [
    deep,
    text.replace('"hostname":"box"', `"hostname":${deep}`),
    text.replace('"hostname":"box"', `"hostname":[${deep},1${'0'.repeat(20)}]`),
  ])
    assert.match(
      refusal(() => validateConfig(parseJson(document, 'config.json'))),
      /must be (an object|a string), not an array|is nested too deeply/,
    );
  const unknown = text.replace('"hostname":"box"', `"hostname":"box","x":${deep}`);
  assert.ok(validateConfig(parseJson(unknown, 'config.json')).notes.some((note) => note.includes(': x is not a property')));
});

test('only a regular file of bounded size and of UTF-8 is read', () => {
  using made = bundle();
  assert.match(
    refusal(() => readConfig(made.path)),
    /^config\.json: .*\/config\.json cannot be opened: no such file or directory \(ENOENT\)$/,
  );
  mkdirSync(made.file);
  assert.match(
    refusal(() => readConfig(made.path)),
    /is not a regular file$/,
  );
  rmSync(made.file, { recursive: true });
  execFileSync('mkfifo', [made.file]);
  assert.match(
    refusal(() => readConfig(made.path)),
    /is not a regular file$/,
  );
  rmSync(made.file);
  symlinkSync('/dev/zero', made.file);
  assert.match(
    refusal(() => readConfig(made.path)),
    /is not a regular file$/,
  );
  rmSync(made.file);
  writeFileSync(made.file, '');
  truncateSync(made.file, 2 ** 40);
  assert.match(
    refusal(() => readConfig(made.path)),
    /has 1099511627776 bytes; at most 16777216 are read$/,
  );
  writeFileSync(made.file, Buffer.from(text.replace('box', '\xff'), 'latin1'));
  assert.match(
    refusal(() => readConfig(made.path)),
    /is not UTF-8$/,
  );
  rmSync(made.file);
  writeFileSync(join(made.path, 'elsewhere'), text);
  symlinkSync('elsewhere', made.file);
  assert.equal(readConfig(made.path).spec.hostname, 'box');
});

test('a file of the kernel, which has no size, is said to be empty rather than waited for', () => {
  assert.match(
    refusal(() => readDocument('/proc/self/status', 'config.json')),
    /grows while it is read$/,
  );
});

test('whole numbers of 64 bits come through, and are written as they were', () => {
  const numbers = ['9007199254740993', '18446744073709551615', '9223372036854775807', '-9223372036854775808', '9007199254740991', '5'];
  const parsed = parseJson(`[${numbers.join(', ')}, {"a":12345678901234567891}, "1234567890123456789"]`, 'x') as unknown[];
  assert.deepEqual(parsed, [
    9007199254740993n,
    18446744073709551615n,
    9223372036854775807n,
    -9223372036854775808n,
    9007199254740991,
    5,
    { a: 12345678901234567891n },
    '1234567890123456789',
  ]);
  assert.equal(formatJson(parsed), `[${numbers.join(',')},{"a":12345678901234567891},"1234567890123456789"]`);
});

test('a value of seccomp and a limit of a process keep all their bits; what is too much is refused', () => {
  const withNumbers = (value: string, soft: string): string =>
    text.replace('"value":2114060288', `"value":${value}`).replace('"soft":512,"hard":1024', `"soft":${soft},"hard":18446744073709551615`);
  const { spec } = validateConfig(parseJson(withNumbers('18446744073709551615', '9223372036854775807'), 'config.json'));
  assert.equal(spec.linux.seccomp?.syscalls?.[2]?.args?.[0]?.value, 2n ** 64n - 1n);
  assert.deepEqual(spec.process.rlimits, [{ type: 'RLIMIT_NOFILE', soft: 2n ** 63n - 1n, hard: -1 }]);
  assert.match(
    refusal(() => validateConfig(parseJson(withNumbers('18446744073709551616', '1'), 'config.json'))),
    /args\[0\]\.value must be an integer from 0 to 18446744073709551615, not 18446744073709551616/,
  );
  assert.match(
    refusal(() => validateConfig(parseJson(withNumbers('1e400', '1'), 'config.json'))),
    /args\[0\]\.value must be an integer, not Infinity/,
  );
});

test("a limit of memory beyond 2^53, as Go's largest number, is one", () => {
  const { spec } = validateConfig(parseJson(text.replaceAll('536870912', '9223372036854775807'), 'config.json'));
  assert.equal(spec.linux.resources?.memory?.limit, 2 ** 63 - 1024);
  assert.match(
    refusal(() => validateConfig(parseJson(text.replaceAll('536870912', '9223372036854775808'), 'config.json'))),
    /memory\.limit must be an integer number of bytes from -1 to 9223372036854775807, not 9223372036854775808/,
  );
});

test('what was read is read as the same again when it was written: so it is stored of a container', () => {
  const large = text
    .replaceAll('536870912', '9223372036854775807')
    .replace('"rate":600', '"rate":18446744073709551615')
    .replace('"value":2114060288', '"value":18446744073709551615')
    .replace('"soft":512,"hard":1024', '"soft":18446744073709551614,"hard":18446744073709551615');
  for (const document of [text, large, '{"ociVersion":"1.0.0","process":{"cwd":"/","args":["a"]},"root":{"path":"r"},"linux":{"seccomp":{}}}']) {
    const { spec } = validateConfig(parseJson(document, 'config.json'));
    assert.deepEqual(validateConfig(parseJson(formatJson(spec), 'config.json')).spec, spec);
  }
});
