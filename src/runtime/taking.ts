/**
 * Taking hold of what a container is made from: descriptors that are opened before its process is cloned, and that it inherits. Who may
 * make no mount in the namespace that it is in cannot copy one either; there the process does it itself, in namespaces of its own.
 */
import { call, result, Unknown, type Arg, type Call, type Known } from '../kernel/call.ts';
import { holds } from '../kernel/capability.ts';
import { step, type Procedure, type Step } from '../step/step.ts';

/** A step that opens a descriptor which the procedure needs until its end. @param lines made when somebody asks for them */
export function opening(id: string, what: string, open: Call, lines: { readonly shell: () => string; readonly look: () => string }): Step<Known> {
  return {
    id,
    what,
    calls: [open],
    get shell() {
      return lines.shell();
    },
    get look() {
      return lines.look();
    },
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown((open.label ?? 'fd').toUpperCase()),
  };
}

/** Whether this process may make mounts, and so copy them: it is root, or that of a user namespace. */
export const mayMount = (): boolean => holds('CAP_SYS_ADMIN');

/** A copy of a tree of mounts. */
export interface Taken {
  readonly fd: Arg;
  /** Makes it, where it is the process's to do. */
  readonly open?: Call;
}

/** Takes a copy: now, or (for who may not) as a call that the process is to make. @param taking the step that makes it */
export function* takeCopy(taking: Step<Known>, ourselves: boolean): Procedure<Taken> {
  const [open] = taking.calls;
  return ourselves ? { fd: yield* step(taking) } : { fd: result(open!), open: open! };
}
