/** The size of a page of memory, in bytes, as the kernel tells every program at its start. See getauxval(3), AT_PAGESZ. */
import { readFileSync } from 'node:fs';

const AT_PAGESZ = 6n;

let known: number | undefined;

/** 4096 on x86_64; up to 65536 on aarch64. */
export function pageSize(): number {
  if (known !== undefined) return known;
  const bytes = readFileSync('/proc/self/auxv');
  const pairs = new BigUint64Array(new Uint8Array(bytes).buffer);
  return (known = Number(pairs[pairs.findIndex((type, i) => i % 2 === 0 && type === AT_PAGESZ) + 1]));
}
