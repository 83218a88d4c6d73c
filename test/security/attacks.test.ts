/** Every attack of attacks/, by each target that it is for. */
import test, { after, before, describe } from 'node:test';
import { startEngine, type TestEngine } from '../support/engine.ts';
import { needsRoot, firstOf } from '../support/needs.ts';
import { allAttacks } from './all-attacks.ts';
import { targetNames } from './checklist.ts';
import { engineTargets } from './engine-targets.ts';
import { needsPerl } from './inside.ts';
import { OciBench, ociTargets } from './oci-targets.ts';
import type { Target } from './targets.ts';

describe('a hostile program', { skip: firstOf(needsRoot(), needsPerl()) }, () => {
  let engine: TestEngine;
  let bench: OciBench;
  const targets = new Map<string, Target>();

  before(async () => {
    engine = await startEngine({ privateNetwork: true });
    bench = new OciBench();
    for (const target of [...engineTargets(engine), ...ociTargets(bench)]) targets.set(target.name, target);
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
    await engine?.close();
  });

  for (const { row, name, by, skip, attack } of allAttacks)
    describe(`${row}: ${name}`, () => {
      for (const target of by ?? targetNames) test(`by ${target}`, { skip: skip?.() ?? false }, () => attack(targets.get(target)!));
    });
});
