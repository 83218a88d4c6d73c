/** Image references as they are typed: `REPOSITORY[:TAG]`, `HOST:PORT/REPOSITORY:TAG`, `NAME@DIGEST`. */

/** The tag is empty when none is given; a digest stays with the repository. */
export function splitReference(reference: string): { repository: string; tag: string } {
  if (reference.includes('@')) return { repository: reference, tag: '' };
  const colon = reference.lastIndexOf(':');
  // A colon before the last slash belongs to a host's port.
  if (colon < reference.lastIndexOf('/') || colon < 0) return { repository: reference, tag: '' };
  return { repository: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}

/** With `:latest` where neither tag nor digest is given. */
export function withTag(reference: string): string {
  const { tag } = splitReference(reference);
  return tag || reference.includes('@') || /^(sha256:)?[0-9a-f]{64}$/.test(reference) ? reference : `${reference}:latest`;
}
