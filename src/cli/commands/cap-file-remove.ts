/** `hako cap file remove`: takes files their capabilities. */
import { removeFile } from '../../element/cap/file.ts';
import { defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';

export const command = defineCommand({
  usage: ['PATH [PATH...]'],
  count: [1, Infinity],
  completes: ['file'],
  flags: { explain: explainFlag },
  async run({ flags, args }) {
    for (const path of args) await take(removeFile(path), flags.explain);
  },
});
