/**
 * File capabilities: the extended attribute `security.capability` and its three revisions. See capabilities(7), "File capabilities";
 * include/uapi/linux/capability.h (struct vfs_cap_data, struct vfs_ns_cap_data).
 *
 * The kernel translates while it reads and writes: to a process in the user namespace whose root the attribute is for, revision 3 shows
 * as revision 2, and what such a process writes as revision 2 becomes revision 3.
 */

/** What the attribute says. */
export interface FileCapabilities {
  /** 1 has 32 capabilities, 2 has 64, 3 also says for whose root it counts. */
  readonly revision: 1 | 2 | 3;
  /** One bit for all: whether what is gained is in force at once, or only permitted. */
  readonly effective: boolean;
  readonly permitted: bigint;
  readonly inheritable: bigint;
  /** Revision 3: the user id, as this process counts, that is root in the user namespace for which the attribute counts. */
  readonly rootid?: number;
}

export const capabilityAttribute = 'security.capability';

const revisionShift = 24;
const effectiveFlag = 1;
const sizes = { 1: 12, 2: 20, 3: 24 } as const;

/** Reads the attribute's bytes. Undefined where they are none of the three: the kernel refuses to run such a file (EINVAL). */
export function parseFileCapabilities(bytes: Uint8Array): FileCapabilities | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  const revision = magic >>> revisionShift;
  if ((revision !== 1 && revision !== 2 && revision !== 3) || bytes.length !== sizes[revision]) return undefined;
  const half = (offset: number): bigint => (offset < sizes[revision] - (revision === 3 ? 4 : 0) ? BigInt(view.getUint32(offset, true)) : 0n);
  return {
    revision,
    effective: (magic & effectiveFlag) !== 0,
    permitted: half(4) | (half(12) << 32n),
    inheritable: half(8) | (half(16) << 32n),
    ...(revision === 3 ? { rootid: view.getUint32(20, true) } : {}),
  };
}

/** The attribute's bytes, of the revision that is said. */
export function encodeFileCapabilities({ revision, effective, permitted, inheritable, rootid = 0 }: FileCapabilities): Uint8Array {
  const bytes = new Uint8Array(sizes[revision]);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ((revision << revisionShift) | (effective ? effectiveFlag : 0)) >>> 0, true);
  view.setUint32(4, Number(permitted & 0xffffffffn), true);
  view.setUint32(8, Number(inheritable & 0xffffffffn), true);
  if (revision === 1) return bytes;
  view.setUint32(12, Number(permitted >> 32n), true);
  view.setUint32(16, Number(inheritable >> 32n), true);
  if (revision === 3) view.setUint32(20, rootid, true);
  return bytes;
}
