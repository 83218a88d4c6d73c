/**
 * A step's goal: what is to be true of the kernel when it is done, whoever did it and however. A person who does a step by hand is
 * judged by it, and a test judges the step itself by it: before, it must not hold; after, it must.
 */

/** A statement about the kernel's state, and what was found. */
export interface Condition {
  /** What is looked at: `the hostname`, `/sys/fs/cgroup/memory/demo/memory.limit_in_bytes`. */
  readonly what: string;
  readonly expected: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Where a step's effect is looked for. */
export interface Place {
  /** The process that takes the step, or for which it is taken; absent while there is none. */
  readonly pid?: number;
}

/** A condition that two texts have the same words: the kernel puts other blanks between them. */
export function sameWords(what: string, expected: string, found: string): Condition {
  const words = (text: string): string => text.trim().split(/\s+/).join(' ');
  return same(what, words(expected), words(found));
}

/** A condition that two texts are the same. */
export function same(what: string, expected: string, found: string): Condition {
  return { what, expected, found, holds: expected === found };
}
