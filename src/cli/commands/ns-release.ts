/** `hako ns release`: lets go of namespaces that are kept by bind mounts. */
import { releaseNamespace } from '../../element/ns/keep.ts';
import { defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] PATH [PATH...]'],
  count: [1, Infinity],
  completes: ['file'],
  flags: { explain: explainFlag },
  async run({ flags, args }) {
    for (const path of args) await take(releaseNamespace(path), flags.explain);
  },
});
