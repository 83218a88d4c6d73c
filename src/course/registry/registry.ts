/**
 * A registry of images in memory, for lessons: what a client does with it is logged line by line. It speaks as much of the OCI distribution
 * specification as pulling and pushing takes, and asks for a token as public registries do. It is started inside a lab, listens on the
 * lab's own loopback interface, and gives a token to whoever asks: what is taught is the way, not a secret.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An image's manifest, as it came. */
interface Manifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

interface Token {
  readonly repository: string;
  readonly actions: readonly string[];
  readonly until: number;
}

/** One answer. */
interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** What is logged behind the status: the digest that an answer is about. */
  readonly digest?: string;
}

/** What a client asked that is not to be had: distribution-spec "Error Codes". */
class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const namePattern = /^[a-z0-9]+(?:[._-][a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
/** Ceilings in bytes, of one body and of all that is kept: the lab's memory holds it. */
const mostBody = 64 * 2 ** 20;
const mostKept = 256 * 2 ** 20;
/** How long a token is good, in milliseconds. */
const tokenLife = 10 * 60_000;

export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

export class Registry {
  readonly #blobs = new Map<string, Buffer>();
  readonly #manifests = new Map<string, Manifest>();
  /** Digests by `NAME:TAG`. */
  readonly #tags = new Map<string, string>();
  /** Which repository has which blob or manifest: `NAME@DIGEST`. */
  readonly #held = new Set<string>();
  readonly #uploads = new Map<string, Buffer[]>();
  readonly #tokens = new Map<string, Token>();
  readonly #origin: string;
  readonly #log: (line: string) => void;
  #kept = 0;

  /** @param origin where it is reached, `http://127.0.0.1:5000` @param log is given a line for each answer: `METHOD PATH STATUS [DIGEST]` */
  constructor(origin: string, log: (line: string) => void) {
    this.#origin = origin;
    this.#log = log;
  }

  /** Keeps a blob without being asked: what a scene begins with. @returns its digest */
  addBlob(repository: string, bytes: Buffer): string {
    const digest = digestOf(bytes);
    if (!this.#blobs.has(digest)) {
      if (this.#kept + bytes.length > mostKept) throw new Refusal(413, 'SIZE_INVALID', 'the registry is full');
      this.#kept += bytes.length;
      this.#blobs.set(digest, bytes);
    }
    this.#held.add(`${repository}@${digest}`);
    return digest;
  }

  /** Keeps a manifest, under its digest and a tag. @returns its digest */
  addManifest(repository: string, bytes: Buffer, mediaType: string, tag?: string): string {
    const digest = digestOf(bytes);
    this.#manifests.set(digest, { bytes, mediaType });
    this.#held.add(`${repository}@${digest}`);
    if (tag !== undefined) this.#tags.set(`${repository}:${tag}`, digest);
    return digest;
  }

  /** Answers a request, and logs it. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    let answer: Answer;
    try {
      if (!URL.canParse(url, this.#origin)) throw new Refusal(400, 'UNSUPPORTED', 'no such address');
      answer = await this.#answer(request, new URL(url, this.#origin));
    } catch (error) {
      answer = refused(error);
    }
    const body = answer.body ?? '';
    response.writeHead(answer.status, { 'Content-Length': Buffer.byteLength(body), ...answer.headers });
    response.end(method === 'HEAD' ? undefined : body);
    this.#log([method, url, answer.status, ...(answer.digest === undefined ? [] : [answer.digest])].join(' '));
  }

  async #answer(request: IncomingMessage, url: URL): Promise<Answer> {
    const { method = '' } = request;
    if (url.pathname === '/token' && method === 'GET') return this.#token(url);
    const [, rest] = /^\/v2\/(.*)$/.exec(url.pathname) ?? [];
    if (rest === undefined) throw new Refusal(404, 'UNSUPPORTED', 'there is nothing here but /v2/ and /token');
    const [, name = '', kind = '', reference = ''] = /^(.+)\/(manifests|blobs|tags)\/(.*)$/.exec(rest) ?? [];
    if (rest !== '' && !namePattern.test(name)) throw new Refusal(400, 'NAME_INVALID', 'a name is of small letters, digits and . _ - /');
    const challenge = this.#challenge(request, name, method === 'GET' || method === 'HEAD' ? 'pull' : 'push');
    if (challenge) return challenge;
    if (rest === '') return { status: 200, body: '{}' };
    if (kind === 'tags' && reference === 'list' && method === 'GET') return this.#list(name);
    if (kind === 'manifests') return await this.#manifest(request, name, reference);
    if (kind === 'blobs' && reference.startsWith('uploads')) return await this.#upload(request, url, name, reference.slice('uploads/'.length));
    if (kind === 'blobs') return this.#blob(method, name, reference);
    throw new Refusal(404, 'UNSUPPORTED', 'no such endpoint');
  }

  /** What one without a good token is told: where there is one. RFC 6750, "The WWW-Authenticate Response Header Field". */
  #challenge(request: IncomingMessage, repository: string, action: string): Answer | undefined {
    const [, word = ''] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const token = this.#tokens.get(word);
    if (token && token.until > Date.now() && (repository === '' || (token.repository === repository && token.actions.includes(action)))) return undefined;
    const scope = repository === '' ? '' : `,scope="repository:${repository}:${action === 'pull' ? 'pull' : 'pull,push'}"`;
    return {
      status: 401,
      headers: { 'WWW-Authenticate': `Bearer realm="${this.#origin}/token",service="lesson"${scope}`, 'Content-Type': 'application/json' },
      body: errorBody('UNAUTHORIZED', 'a token is needed: see WWW-Authenticate'),
    };
  }

  #token(url: URL): Answer {
    const [, repository = '', actions = ''] = /^repository:([^:]*):([a-z,]*)$/.exec(url.searchParams.get('scope') ?? '') ?? [];
    for (const [word, { until }] of this.#tokens) if (until <= Date.now()) this.#tokens.delete(word);
    if (this.#tokens.size > 1000) throw new Refusal(429, 'TOOMANYREQUESTS', 'too many tokens are in use');
    const token = randomBytes(24).toString('base64url');
    this.#tokens.set(token, { repository, actions: actions.split(','), until: Date.now() + tokenLife });
    return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ token, expires_in: tokenLife / 1000 }) };
  }

  #list(name: string): Answer {
    const tags = [...this.#tags.keys()].filter((key) => key.startsWith(`${name}:`)).map((key) => key.slice(name.length + 1));
    return { status: 200, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name, tags }) };
  }

  async #manifest(request: IncomingMessage, name: string, reference: string): Promise<Answer> {
    const byDigest = digestPattern.test(reference);
    if (!byDigest && !tagPattern.test(reference)) throw new Refusal(400, 'MANIFEST_INVALID', 'neither a tag nor a digest');
    if (request.method === 'PUT') {
      const bytes = await bodyOf(request);
      if (byDigest && digestOf(bytes) !== reference) throw new Refusal(400, 'DIGEST_INVALID', `the manifest's digest is ${digestOf(bytes)}`);
      const missing = this.#missingBlob(name, bytes);
      if (missing) throw new Refusal(400, 'MANIFEST_BLOB_UNKNOWN', `${missing} is not here: blobs come before the manifest that names them`);
      const mediaType = request.headers['content-type'] ?? 'application/vnd.oci.image.manifest.v1+json';
      const digest = this.addManifest(name, bytes, mediaType, byDigest ? undefined : reference);
      return { status: 201, headers: { Location: `/v2/${name}/manifests/${digest}`, 'Docker-Content-Digest': digest }, digest };
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refusal(405, 'UNSUPPORTED', 'a manifest is got or put');
    const digest = byDigest ? reference : this.#tags.get(`${name}:${reference}`);
    const manifest = digest !== undefined && this.#held.has(`${name}@${digest}`) ? this.#manifests.get(digest) : undefined;
    if (digest === undefined || !manifest) throw new Refusal(404, 'MANIFEST_UNKNOWN', `there is no manifest ${reference}`);
    return { status: 200, headers: { 'Content-Type': manifest.mediaType, 'Docker-Content-Digest': digest }, body: manifest.bytes, digest };
  }

  /** The first blob that a manifest names and that is not here. */
  #missingBlob(name: string, bytes: Buffer): string | undefined {
    let manifest: { readonly config?: { readonly digest?: unknown }; readonly layers?: readonly { readonly digest?: unknown }[] };
    try {
      manifest = JSON.parse(bytes.toString('utf8')) as typeof manifest;
    } catch {
      throw new Refusal(400, 'MANIFEST_INVALID', 'it is no JSON');
    }
    if (!manifest?.config || !Array.isArray(manifest.layers)) throw new Refusal(400, 'MANIFEST_INVALID', 'it has no config and layers');
    const named = [manifest.config, ...(manifest.layers as readonly { readonly digest?: unknown }[])].map((descriptor) => String(descriptor?.digest));
    return named.find((digest) => !this.#held.has(`${name}@${digest}`) || !this.#blobs.has(digest));
  }

  #blob(method: string, name: string, digest: string): Answer {
    if (method !== 'GET' && method !== 'HEAD') throw new Refusal(405, 'UNSUPPORTED', 'a blob is got, or uploaded');
    const bytes = this.#held.has(`${name}@${digest}`) ? this.#blobs.get(digest) : undefined;
    if (!bytes) throw new Refusal(404, 'BLOB_UNKNOWN', `there is no blob ${digest}`);
    return { status: 200, headers: { 'Content-Type': 'application/octet-stream', 'Docker-Content-Digest': digest }, body: bytes, digest };
  }

  /** An upload: begun by POST, filled by PATCH, ended by PUT with the digest. distribution-spec "Pushing a blob". */
  async #upload(request: IncomingMessage, url: URL, name: string, id: string): Promise<Answer> {
    if (request.method === 'POST' && id === '') {
      if (this.#uploads.size >= 100) throw new Refusal(429, 'TOOMANYREQUESTS', 'too many uploads are open');
      const begun = randomBytes(9).toString('base64url');
      this.#uploads.set(begun, []);
      return { status: 202, headers: { Location: `/v2/${name}/blobs/uploads/${begun}`, Range: '0-0' } };
    }
    const parts = this.#uploads.get(id);
    if (!parts) throw new Refusal(404, 'BLOB_UPLOAD_UNKNOWN', 'no such upload is open: begin one by POST');
    const part = await bodyOf(request, mostBody - parts.reduce((sum, { length }) => sum + length, 0));
    parts.push(part);
    if (request.method === 'PATCH') return { status: 202, headers: { Location: `/v2/${name}/blobs/uploads/${id}` } };
    if (request.method !== 'PUT') throw new Refusal(405, 'UNSUPPORTED', 'an upload is filled by PATCH and ended by PUT');
    const wanted = url.searchParams.get('digest');
    const bytes = Buffer.concat(parts);
    if (wanted !== digestOf(bytes)) throw new Refusal(400, 'DIGEST_INVALID', `the blob's digest is ${digestOf(bytes)}, and not ${wanted}`);
    this.#uploads.delete(id);
    const digest = this.addBlob(name, bytes);
    return { status: 201, headers: { Location: `/v2/${name}/blobs/${digest}`, 'Docker-Content-Digest': digest }, digest };
  }
}

/** @throws Refusal when it is longer than `most` bytes */
async function bodyOf(request: IncomingMessage, most = mostBody): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > most) throw new Refusal(413, 'SIZE_INVALID', `more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const errorBody = (code: string, message: string): string => JSON.stringify({ errors: [{ code, message }] });

function refused(error: unknown): Answer {
  if (!(error instanceof Refusal)) return { status: 500, body: errorBody('UNKNOWN', 'the registry has a defect') };
  return { status: error.status, headers: { 'Content-Type': 'application/json' }, body: errorBody(error.code, error.message) };
}
