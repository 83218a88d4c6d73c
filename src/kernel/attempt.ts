/** Reading what may not be there: a process that ends meanwhile, a file of another user's. */

/** What a read of something that may vanish, or is another user's, gave; undefined where it failed. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
