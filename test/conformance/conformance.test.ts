/**
 * The conformance suite against ./hako-oci in its quick form: a test for each property, a subtest for each claim. All claims are
 * checked by `npm run test:conformance`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { describe } from 'node:test';
import { firstOf, needsRoot } from '../support/needs.ts';
import type { PropertyResult } from './suite/property.ts';
import { needsBusybox } from './suite/rootfs.ts';
import { propertyNames } from './suite/run-suite.ts';

const runtime = join(import.meta.dirname, '../../hako-oci');
const skip = firstOf(needsRoot(), needsBusybox(), existsSync(runtime) ? false : 'there is no ./hako-oci');

describe('hako-oci does what the runtime specification says', { skip, concurrency: true }, () => {
  const names = propertyNames();
  const results = new Map(names.map((name) => [name, Promise.withResolvers<PropertyResult>()]));
  if (!skip) runSuite(results);
  for (const name of names) {
    test(name, async (t) => {
      const { claims } = await results.get(name)!.promise;
      for (const claim of claims) {
        // oxlint-disable-next-line no-await-in-loop -- subtests are told in the property's order
        await t.test(claim.name, { skip: claim.result === 'not applicable' ? claim.detail! : false }, () => {
          assert.ok(claim.result !== 'failed', `${claim.spec}: ${claim.must}\n${claim.detail ?? ''}`);
        });
      }
    });
  }
});

/** Starts the suite, and settles each property's promise when its line has come. */
function runSuite(results: ReadonlyMap<string, PromiseWithResolvers<PropertyResult>>): void {
  const suite = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), '--runtime', runtime, '--lines', '--quick'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface(suite.stdout);
  lines.on('line', (line) => {
    const property = JSON.parse(line) as PropertyResult;
    results.get(property.name)!.resolve(property);
  });
  lines.once('close', () => {
    for (const [name, { reject }] of results) reject(new Error(`the suite ended without a result for ${name}`));
  });
}
