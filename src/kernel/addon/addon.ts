/**
 * The addon by which JavaScript reaches the kernel: a shared object that Node loads, of some hundred instructions. It knows no system call by name
 * and decides nothing; all that it can do is in ffi.ts. Written here and not compiled from C, it needs nothing to be installed, and
 * is loaded in a tenth of a millisecond (docs/decisions/addon.md).
 */
import { Assembler } from '../machine-code/assembler.ts';
import type { Architecture } from '../syscalls.ts';
import { addonArm64 } from './arm64.ts';
import { addonFunctions, blockName, nodeApi, registration } from './block.ts';
import { layoutOf, sharedObject } from './shared-object.ts';
import { addonX64 } from './x64.ts';

/** The addon for an architecture. */
export function assembleAddon(architecture: Architecture): Uint8Array {
  const layout = layoutOf(registration, nodeApi);
  const code = new Assembler();
  for (const [name, at] of layout.imports) code.place(name, at - layout.code);
  (architecture === 'x64' ? addonX64 : addonArm64)(code);
  for (const name of [blockName, ...addonFunctions]) code.label(`name of ${name}`).bytes(...Buffer.from(`${name}\0`));
  return sharedObject(code.assemble(), code.offsetOf(registration), registration, nodeApi, architecture);
}
