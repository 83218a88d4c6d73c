/** The platform of images: which of a multi-platform image's manifests this machine runs (OCI image-spec, image-index.md, "platform"). */
import { invalid } from '../storage/error.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** This machine, in Go's names, which images use. */
export const thisPlatform: Platform =
  process.arch === 'arm64'
    ? { os: 'linux', architecture: 'arm64', variant: 'v8' }
    : { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };

/** `linux/arm64/v8`. */
const platformName = (p: Platform): string => [p.os, p.architecture, ...(p.variant ? [p.variant] : [])].join('/');

/** What processors also run: their older siblings' programs. */
const older: Readonly<Record<string, string>> = { amd64: '386', arm64: 'arm' };

/** How well an image for `p` fits a machine: 3 the very platform, 2 without saying which variant, 1 an older sibling, 0 not. */
function fit(p: Platform | undefined, machine: Platform): number {
  if (p?.os !== machine.os) return 0;
  if (p.architecture !== machine.architecture) return p.architecture === older[machine.architecture] ? 1 : 0;
  if ((p.variant ?? '') === (machine.variant ?? '')) return 3;
  // amd64/v2 and up need newer processors than every amd64 has; arm64 means arm64/v8.
  return (p.variant ?? '') === '' || p.variant === 'v1' ? 2 : 0;
}

/** Whether an image for `p` runs on this machine. */
export const canRun = (p: Platform, machine: Platform = thisPlatform): boolean => fit(p, machine) > 0;

/**
 * Of the manifests that there are, the one that fits this machine best.
 * @param name what messages call the image
 * @throws StorageError (invalid) that lists the platforms there are
 */
export function choosePlatform<T extends { readonly platform?: Platform }>(manifests: readonly T[], name: string, machine: Platform = thisPlatform): T {
  const only = manifests.length === 1 ? manifests[0] : undefined;
  if (only && !only.platform) return only; // its configuration will tell
  const [best] = manifests.toSorted((a, b) => fit(b.platform, machine) - fit(a.platform, machine));
  if (best && fit(best.platform, machine) > 0) return best;
  throw wrongPlatform(
    name,
    manifests.flatMap((m) => m.platform ?? []),
    machine,
  );
}

/** The error for an image that this machine cannot run. */
export function wrongPlatform(name: string, there: readonly Platform[], machine: Platform = thisPlatform): Error {
  const names = [...new Set(there.map(platformName))];
  return invalid(
    `${name} has no image for this machine, which is ${platformName(machine)}; it has ${names.length ? names.join(', ') : 'none that says its platform'}`,
  );
}
