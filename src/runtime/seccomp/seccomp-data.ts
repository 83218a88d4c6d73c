/** struct seccomp_data, what a filter sees of a system call: to ask a filter what it would decide. */
import { seccompData } from './conditions.ts';

/** AUDIT_ARCH_ values of include/uapi/linux/audit.h. */
export const auditArch = { x86_64: 0xc000003e, i386: 0x40000003, aarch64: 0xc00000b7, arm: 0x40000028 } as const;

/**
 * @param arch an AUDIT_ARCH_ value
 * @param number the call's number, with the x32 bit where it is one
 */
export function makeSeccompData(arch: number, number: number, args: readonly (number | bigint)[] = []): DataView {
  const view = new DataView(new ArrayBuffer(seccompData.size));
  view.setUint32(seccompData.nr, number, true);
  view.setUint32(seccompData.arch, arch, true);
  args.forEach((arg, i) => view.setBigUint64(seccompData.args + 8 * i, BigInt.asUintN(64, BigInt(arg)), true));
  return view;
}
