/**
 * A step's shell lines as a person types them in another terminal while a start waits. In the script that they are made for they
 * stand in a process with variables and functions of its own (src/runtime/script/); typed as they are, they would change the
 * machine instead of the half-made container.
 */
import type { Step } from './step.ts';
import { word } from './shell.ts';

/** What a start that waits knows of the container. */
export interface HalfMade {
  /** The process whose state is the container's, once there is one. */
  readonly pid?: number;
  /** Where its root is attached, while it is not yet the root. */
  readonly root: string;
  /** The step is the process's own. */
  readonly inside: boolean;
}

/** The step, with the lines that do it from outside and the command that shows it. */
export function typed(step: Step<unknown>, at: HalfMade): Step<unknown> {
  const plainly = (text: string): string => withValues(text, at);
  const lines = plainly(step.hand ?? step.shell);
  const enters = at.inside && at.pid !== undefined && step.goal !== undefined && step.hand === undefined;
  return { ...step, shell: enters ? `nsenter -t ${at.pid} -a sh -c ${word(lines)}` : lines, look: plainly(step.look) };
}

/** A line with what its variables stand for. */
export function withValues(text: string, { pid, root, inside }: HalfMade): string {
  // Before the process attaches it, the root is nowhere but in a descriptor of the engine.
  const placed = inside ? text.replaceAll(/"\$\(in_root ((?:[^\s'\\]|\\'|'[^']*')+)\)"/g, (_, path: string) => word(root) + path) : text;
  const rooted = placed.replaceAll('"$ROOT"', word(root)).replaceAll('${host}', '');
  return pid === undefined ? rooted : rooted.replaceAll(/\$PID\b/g, String(pid));
}
