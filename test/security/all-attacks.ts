/** The attacks of all files in attacks/. */
import type { Attack } from './attack.ts';
import { cgroups } from './attacks/cgroups.ts';
import { credentials } from './attacks/credentials.ts';
import { descriptors } from './attacks/descriptors.ts';
import { files } from './attacks/files.ts';
import { kernelFiles } from './attacks/kernel-files.ts';
import { limits } from './attacks/limits.ts';
import { neighbours } from './attacks/neighbours.ts';

export const allAttacks: readonly Attack[] = [...descriptors, ...kernelFiles, ...files, ...cgroups, ...credentials, ...neighbours, ...limits];
