/** What the lessons' registry was asked, from its log (registry-lines.ts). */
import { registryLog } from '../registry-lines.ts';
import { textOf } from './files.ts';
import type { Look } from './look.ts';

/** One answer that it gave. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** What the answer was about: of a manifest that was put or got, of a blob. */
  readonly digest: string | undefined;
}

/** All of them, the oldest first. */
export function exchangesOf(look: Look): readonly Exchange[] {
  const lines = (textOf(look.host, registryLog) ?? '').split('\n').filter(Boolean);
  return lines.map((line) => {
    const [method = '', path = '', status, digest] = line.split(' ');
    return { method, path, status: Number(status), digest };
  });
}
