/** How the kernel compares: values of registers with one another, and with the elements of a set. */
import type { Operator } from '../../kernel/netlink/nft-decode.ts';
import type { NftSet, SetElement } from '../../kernel/netlink/nft-ruleset.ts';

/** Whether an order (negative, zero, positive) is the one that is asked for. */
export function compared(order: number, operator: Operator): boolean {
  switch (operator) {
    case '==':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    default:
      return order >= 0;
  }
}

/** Bytes of a register are kept in whole words. */
const padded = (size: number): number => 4 * Math.ceil(size / 4);

/**
 * The element that a value is looked up as.
 * @param value the first bytes of the registers that hold it
 */
export function findElement(set: NftSet, value: (length: number) => Uint8Array): SetElement | undefined {
  const elements = set.elements.filter((e) => !e.catchAll);
  return inElements(set, elements, value) ?? set.elements.find((e) => e.catchAll);
}

function inElements(set: NftSet, elements: readonly SetElement[], value: (length: number) => Uint8Array): SetElement | undefined {
  if (!set.interval) return elements.find((e) => Buffer.compare(value(e.key.length), e.key) === 0);
  if (elements.some((e) => e.keyEnd)) return elements.find((e) => inRanges(set.fields.length ? set.fields : [e.key.length], e, value(e.key.length)));
  // Starts and ends in a row: the last one at or before the value decides.
  const sorted = elements.toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.intervalEnd) - Number(a.intervalEnd));
  const last = sorted.findLast((e) => Buffer.compare(e.key, value(e.key.length)) <= 0);
  return last && !last.intervalEnd ? last : undefined;
}

/** Each component lies in its own range. */
function inRanges(fields: readonly number[], { key, keyEnd = key }: SetElement, value: Uint8Array): boolean {
  let at = 0;
  return fields.every((size) => {
    const [part, low, high] = [value, key, keyEnd].map((bytes) => bytes.subarray(at, at + size)) as [Uint8Array, Uint8Array, Uint8Array];
    at += padded(size);
    return Buffer.compare(part, low) >= 0 && Buffer.compare(part, high) <= 0;
  });
}
