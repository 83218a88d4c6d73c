/** What is looked at when a container is explained: its record, its first process, and a place for what is found to differ. */
import type { Container, Running } from '../container.ts';
import type { Parts } from '../parts.ts';

export interface Subject {
  readonly parts: Parts;
  readonly container: Container;
  readonly running: Running;
  /** Of its first process, as the host counts. */
  readonly pid: number;
  /** Text of /proc/PID/status. */
  readonly status: string;
  /** Takes a sentence that says how kernel and record differ. */
  readonly differs: (sentence: string) => void;
}
