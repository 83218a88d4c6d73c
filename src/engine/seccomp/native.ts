/** The architecture of this machine's own programs, as seccomp filters see it. */
import { architecture } from '../../kernel/syscalls.ts';
import { auditArch } from '../../runtime/seccomp/seccomp-data.ts';
import type { SeccompArchitecture } from '../../runtime/seccomp/syscall-numbers.ts';

export const native: { readonly name: SeccompArchitecture; readonly arch: number } =
  architecture === 'x64' ? { name: 'SCMP_ARCH_X86_64', arch: auditArch.x86_64 } : { name: 'SCMP_ARCH_AARCH64', arch: auditArch.aarch64 };
