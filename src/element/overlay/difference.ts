/** How many bytes of two files differ: read in pieces, and halved where a piece differs. */
import { readSync } from 'node:fs';

const pieceBytes = 1 << 20;
/** Below this, bytes are looked at one by one. */
const fewBytes = 64;

/**
 * Counts the differing bytes at the same positions.
 * @param length bytes of both to compare, from their beginnings; what is missing of either counts as differing
 */
export function differingBytes(one: number, two: number, length: number): number {
  const [a, b] = [Buffer.allocUnsafe(pieceBytes), Buffer.allocUnsafe(pieceBytes)];
  let count = 0;
  for (let done = 0; done < length;) {
    const wanted = Math.min(pieceBytes, length - done);
    const got = Math.min(readFully(one, a, wanted, done), readFully(two, b, wanted, done));
    count += differing(a.subarray(0, got), b.subarray(0, got));
    if (got < wanted) return count + length - done - got;
    done += got;
  }
  return count;
}

function readFully(fd: number, into: Buffer, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const count = readSync(fd, into, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

function differing(a: Buffer, b: Buffer): number {
  if (a.equals(b)) return 0;
  if (a.length > fewBytes) {
    const half = a.length >> 1;
    return differing(a.subarray(0, half), b.subarray(0, half)) + differing(a.subarray(half), b.subarray(half));
  }
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) count++;
  return count;
}
