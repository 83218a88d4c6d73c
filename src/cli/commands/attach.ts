/** `hako attach`: our streams become those of a running container. */
import { attach } from '../attach.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER'],
  count: [1, 1],
  completes: ['running'],
  flags: {
    'detach-keys': { kind: 'string', help: 'Override the key sequence for detaching a container' },
    'no-stdin': { kind: 'bool', help: 'Do not attach STDIN' },
    'sig-proxy': { kind: 'bool', help: 'Proxy all received signals to the process', default: true },
  },
  run: ({ flags, args }) => attach(args[0]!, { input: !flags['no-stdin'], detachKeys: flags['detach-keys'], proxySignals: flags['sig-proxy'] }),
});
