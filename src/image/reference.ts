/**
 * References to images, in Docker's grammar: `[DOMAIN/]PATH[:TAG][@DIGEST]`.
 * Grammar: github.com/distribution/reference (reference.go and normalize.go describe it).
 * A person writes the familiar name (`base`); stores hold the full one (`docker.io/library/base:latest`).
 */
import { isDigest, type Digest } from '../storage/digest.ts';
import { invalid } from '../storage/error.ts';

export interface Reference {
  /** `docker.io`, `registry.example:5000`. */
  readonly domain: string;
  /** `library/base`. */
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const defaultDomain = 'docker.io';
const officialPrefix = 'library/';
export const defaultTag = 'latest';

const domainComponent = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domainPattern = new RegExp(`^(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathComponent = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const maximumNameLength = 255;

/**
 * Parses what a person or an archive wrote.
 * @throws StorageError (invalid) that says what is wrong with it
 */
export function parseReference(text: string): Reference {
  const bad = (why: string): Error => invalid(`${JSON.stringify(text.slice(0, 300))} is no image reference: ${why}`);
  if (text === '') throw bad('it is empty');
  if (/^[0-9a-f]{64}$/.test(text)) throw bad('64 hexadecimal digits are an id, not a name');

  const [named = '', ...digests] = text.split('@');
  if (digests.length > 1) throw bad('it has more than one "@"');
  const digest = digests[0];
  if (digest !== undefined && !isDigest(digest)) throw bad('after "@" comes a digest, sha256: and 64 hexadecimal digits');

  // A colon after the last slash begins the tag; one before it, a port.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) throw bad('a tag has 1 to 128 letters, digits, "_", "." and "-", and does not begin with "." or "-"');

  const { domain, path } = splitDomain(colon < 0 ? named : named.slice(0, colon));
  if (!domainPattern.test(domain)) throw bad(`${JSON.stringify(domain)} is no registry's host name`);
  if (path !== path.toLowerCase()) throw bad('a repository name is lower case');
  if (!pathPattern.test(path)) throw bad('a repository name has lower-case letters and digits, separated by ".", "_", "__", "-" and "/"');
  if (domain.length + 1 + path.length > maximumNameLength) throw bad(`a repository name has at most ${maximumNameLength} characters`);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The first part is a registry when it looks like a host: a dot, a port, `localhost`, or capitals. */
function splitDomain(name: string): { domain: string; path: string } {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const isHost = slash >= 0 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  const domain = !isHost || first === 'index.docker.io' ? defaultDomain : first;
  const rest = isHost ? name.slice(slash + 1) : name;
  return { domain, path: domain === defaultDomain && !rest.includes('/') ? officialPrefix + rest : rest };
}

/** The full repository name: `docker.io/library/base`. */
export const repositoryOf = (reference: Reference): string => `${reference.domain}/${reference.path}`;

/** The full name with a tag, the key of a stored image: `docker.io/library/base:latest`. */
export const fullName = (reference: Reference): string => `${repositoryOf(reference)}:${reference.tag ?? defaultTag}`;

/** The short form of a full name or repository: `base:latest`, `user/app`, `registry.example/app:1`. */
export function familiarName(full: string): string {
  if (!full.startsWith(`${defaultDomain}/`)) return full;
  const path = full.slice(defaultDomain.length + 1);
  const official = path.startsWith(officialPrefix) && !path.slice(officialPrefix.length).includes('/');
  return official ? path.slice(officialPrefix.length) : path;
}

/**
 * The full name of `REPOSITORY` and `TAG` given apart, as the API and `tag` do.
 * @throws StorageError (invalid), also for a digest, which is no name to give
 */
export function nameFor(repository: string, tag?: string): string {
  const reference = parseReference(tag ? `${repository}:${tag}` : repository);
  if (reference.digest !== undefined) throw invalid(`${JSON.stringify(repository)} has a digest; an image is named by repository and tag`);
  return fullName(reference);
}

/** An id as a person writes it: 1 to 64 hexadecimal digits, with or without `sha256:`; undefined when it is not one. */
export const idPrefixOf = (text: string): string | undefined => /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
