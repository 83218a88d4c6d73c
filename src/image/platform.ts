/** The platform of images: which of a multi-platform image's manifests this machine runs (OCI image-spec, image-index.md, "platform"). */
import { invalid } from '../storage/error.ts';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** This machine, in Go's names, which images use. */
export const thisPlatform: Platform = process.arch === 'arm64' ? { os: 'linux', architecture: 'arm64', variant: 'v8' } : { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch };

/** `linux/arm64/v8`. */
export const platformName = (p: Platform): string => [p.os, p.architecture, ...(p.variant ? [p.variant] : [])].join('/');

/**
 * Of the manifests that there are, the one for this machine: the same variant, else none said.
 * @param name what messages call the image
 * @throws StorageError (invalid) that lists the platforms there are
 */
export function choosePlatform<T extends { readonly platform?: Platform }>(manifests: readonly T[], name: string, wanted: Platform = thisPlatform): T {
  const fitting = manifests.filter(({ platform: p }) => p?.os === wanted.os && p.architecture === wanted.architecture && fits(p.variant, wanted.variant));
  const chosen = fitting.find((m) => m.platform?.variant === wanted.variant) ?? fitting[0] ?? (manifests.length === 1 && !manifests[0]?.platform ? manifests[0] : undefined);
  if (chosen) return chosen;
  const there = [...new Set(manifests.map((m) => (m.platform ? platformName(m.platform) : 'an unnamed platform')))];
  throw invalid(`${name} has no image for this machine, which is ${platformName(wanted)}${there.length ? `; it has ${there.join(', ')}` : ''}`);
}

/** `amd64/v2` and up need newer processors than every amd64 has; `arm64` means `arm64/v8`. */
const fits = (variant: string | undefined, wanted: string | undefined): boolean => variant === undefined || variant === '' || variant === wanted || variant === 'v1';
