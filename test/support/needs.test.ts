/** What tests may ask for is what the package script installs; otherwise CI would skip a test for good. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { needs, packageOf } from './needs.ts';

test('the package scripts install every program that a test can need', () => {
  const installed = ['install-test-packages.sh', 'install-caller-packages.sh'].flatMap((name) => {
    const script = readFileSync(join(import.meta.dirname, '../../scripts', name), 'utf8');
    const list = /<<'END'\n(.*?)^END/ms.exec(script)?.[1] ?? '';
    return list.split('\n').map((line) => line.replace(/#.*/, '').trim());
  });
  assert.deepEqual(
    Object.values(packageOf).filter((name) => !installed.includes(name)),
    [],
  );
});

test('a missing program is a reason to skip, and an error where it must be there', () => {
  const { PATH, HAKO_REQUIRE } = process.env;
  try {
    process.env.PATH = '/nonexistent';
    delete process.env.HAKO_REQUIRE;
    assert.equal(needs('skopeo', 'umoci'), 'Debian package missing: skopeo, umoci');
    process.env.HAKO_REQUIRE = 'all';
    assert.throws(() => needs('skopeo'), /Debian package missing: skopeo \(scripts\/install-test-packages.sh/);
  } finally {
    process.env.PATH = PATH;
    if (HAKO_REQUIRE === undefined) delete process.env.HAKO_REQUIRE;
    else process.env.HAKO_REQUIRE = HAKO_REQUIRE;
  }
});
