/** Writes docs/cli.md from the commands' tables. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { referenceText } from '../src/cli/reference.ts';

writeFileSync(join(import.meta.dirname, '../docs/cli.md'), await referenceText());
