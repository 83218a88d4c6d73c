/** A program in a network namespace, in the foreground: what `ip netns exec` and `nsenter --net` do. See setns(2). */
import { call } from '../../kernel/call.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { word, words } from '../../step/shell.ts';
import type { Procedure } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import type { NetworkNamespace } from './namespaces.ts';
import { openNamespace } from './site.ts';

/** Runs a program there. @returns its exit code */
export function* runInNamespace(namespace: NetworkNamespace, args: readonly string[], env: readonly string[]): Procedure<number> {
  const fd = yield* openNamespace(namespace);
  return yield* foreground({
    name: namespace.label,
    flags: 0,
    inside: [
      {
        id: 'net.enter',
        what: `Enter the network namespace ${namespace.label}`,
        calls: [call('setns', [fd, cloneFlags.CLONE_NEWNET])],
        shell: `nsenter --net=${word(namespace.path)} …`,
        look: 'ls -l /proc/$PID/ns/net',
      },
    ],
    inherit: [fd],
    args,
    env,
    shell: `nsenter --net=${word(namespace.path)} ${words(args)}`,
  });
}
