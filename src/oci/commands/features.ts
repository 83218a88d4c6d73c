/** `hako-oci features`: what this runtime can do, for callers that choose between runtimes. */
import { defineCommand } from '../command.ts';
import { features } from '../features.ts';
import { print } from '../print.ts';

export const command = defineCommand({
  usage: '',
  description: 'In JSON, as features.md of the runtime specification has it. What this machine can do is another matter.',
  count: [0, 0],
  flags: {},
  run() {
    print(`${JSON.stringify(features(), undefined, 2)}\n`);
  },
});
