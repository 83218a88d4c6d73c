/** Digests of content (OCI image-spec, descriptor.md) and chain ids of layers (config.md, "Layer ChainID"). */
import { createHash } from 'node:crypto';
import { invalid } from './error.ts';

/** `sha256:` and 64 lower-case hexadecimal digits: the one algorithm that images are stored by. */
export type Digest = string;

const sha256 = /^sha256:[0-9a-f]{64}$/;

export const isDigest = (value: unknown): value is Digest => typeof value === 'string' && sha256.test(value);

/**
 * Checks a digest that came from outside.
 * @param what whose digest it is, for the message: `the manifest's config`
 * @throws StorageError (invalid) when it is not a sha256 digest
 */
export function requireDigest(value: unknown, what: string): Digest {
  if (isDigest(value)) return value;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value;
  throw invalid(`${what} has the digest ${shown}; only sha256 digests are supported (sha256: and 64 hexadecimal digits)`);
}

/** The 64 hexadecimal digits of a digest: the name of its file. */
export const hexOf = (digest: Digest): string => digest.slice('sha256:'.length);

export const digestOf = (bytes: Uint8Array | string): Digest => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

/** The chain id of a layer on top of others: what identifies its file system when the layers below count too. */
export const chainId = (parent: Digest | undefined, diffId: Digest): Digest => (parent === undefined ? diffId : digestOf(`${parent} ${diffId}`));

/** The chain ids of a stack of layers, bottom first. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) chain.push(chainId(chain.at(-1), diffId));
  return chain;
}
