/** Writes the examples of the manual, src/manual/examples.json, from the steps of the engine's own procedures. As root. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { examplesText, everyStep } from '../test/support/every-step.ts';

writeFileSync(join(import.meta.dirname, '../src/manual/examples.json'), examplesText(everyStep()));
