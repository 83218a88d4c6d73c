/** One process's namespaces, and who shares each. */
import { namespaceKinds } from '../../kernel/namespace.ts';
import { forbidden, ProcessDirectory, vanished, type ProcessFacts } from './processes.ts';
import { survey, type Member, type Namespace } from './survey.ts';

/** A running container, by its first process. */
export interface ContainerProcess {
  readonly name: string;
  readonly pid: number;
}

/** A namespace of the process. */
export interface Share extends Omit<Namespace, 'members'> {
  /** Processes in it, without the one that is shown. */
  readonly sharedBy: readonly Member[];
  /** Containers in it, without the one that is shown. */
  readonly containers: readonly string[];
}

/** What was found. */
export interface Shown extends ProcessFacts {
  /** The container whose first process it is. */
  readonly container?: string;
  readonly namespaces: readonly Share[];
  /** Processes of other users, who may share them or not. */
  readonly hidden: number;
  /** Why there are none: the sentence. */
  readonly refused?: string;
}

/**
 * Shows.
 * @param containers those that run
 * @throws ElementError when there is no such process
 */
export function show(pid: number, containers: readonly ContainerProcess[] = []): Shown {
  const directory = ProcessDirectory.of(pid);
  try {
    const { namespaces, hidden } = survey();
    const facts = directory.identity;
    const inside = namespaces.filter(({ members }) => members.some((m) => m.pid === pid && m.tid === undefined));
    if (directory.gone) throw vanished(pid);
    const container = containers.find((c) => c.pid === pid)?.name;
    const order = namespaceKinds.map(({ type }) => type);
    return {
      ...facts,
      ...(container === undefined ? {} : { container }),
      namespaces: inside
        .toSorted((a, b) => order.indexOf(a.type) - order.indexOf(b.type))
        .map(({ members, ...rest }) => ({
          ...rest,
          sharedBy: members.filter((m) => m.pid !== pid),
          containers: containers.filter((c) => c.pid !== pid && members.some((m) => m.pid === c.pid)).map(({ name }) => name),
        })),
      hidden,
      ...(inside.length ? {} : { refused: forbidden(pid, 'the namespaces').message }),
    };
  } finally {
    directory.close();
  }
}
