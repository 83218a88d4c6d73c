/** What the commands of `hako net` share: the namespaces that there are, containers' by name, and the ones that a user names. */
import { findNamespace, listNamespaces, type ContainerPid, type NetworkNamespace } from '../element/net/namespaces.ts';
import type { Procedure } from '../element/interpret.ts';
import type { Flag } from './command.ts';
import { take } from './element.ts';
import { containerProcesses } from './container-processes.ts';

/** `--ns`: where the command works. */
export const namespaceFlag = {
  kind: 'string',
  placeholder: 'namespace',
  help: 'Network namespace to work in: a name, a container,\na PID or a file (default: the one hako runs in)',
} as const satisfies Flag;

/** All namespaces, and how a user's word becomes one of them. */
export interface Namespaces {
  readonly all: readonly NetworkNamespace[];
  readonly containers: readonly ContainerPid[];
  /** @throws ElementError where there is none; undefined is the one that hako runs in */
  readonly find: (spec: string | undefined) => NetworkNamespace;
}

/** Lists them. An engine that is not running has no containers to name, and is not started for it. */
export async function networkNamespaces(): Promise<Namespaces> {
  const containers = await containerProcesses();
  const all = listNamespaces(containers);
  return { all, containers, find: (spec) => findNamespace(spec ?? 'host', all, containers) };
}

/** Takes the steps of what `make` makes of the command line, or prints them; what is wrong with the line is told the same way. */
export function takeFrom<R>(make: () => Procedure<R>, form: string | undefined): Promise<R | undefined> {
  return take(
    (function* () {
      return yield* make();
    })(),
    form,
  );
}
