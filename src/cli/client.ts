/**
 * The way to the engine: HTTP over its unix socket, in the shape of the Docker Engine API.
 * A socket that nobody answers on means that the engine is not running: it is started, once, and asked again.
 */
import type { Socket } from 'node:net';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { Trace } from '../api/schema.ts';
import { CommandError, UsageError } from './command.ts';
import { isAbsent, lost, readText, runDirectory, socketPath, tryConnect } from './engine-socket.ts';

// An `import` of node:http reads all its exports, one of which loads undici: 25 ms. This way it is 2.
const http = process.getBuiltinModule('node:http');

/** The engine refused: its own sentence, and the HTTP status that came with it. */
export class ApiError extends CommandError {
  readonly status: number;
  /** What had happened of a traced start that failed. */
  readonly trace: Trace | undefined;
  constructor(status: number, message: string, about: { readonly trace?: Trace | undefined; readonly hint?: string } = {}) {
    super(message, about.hint === undefined ? {} : { hint: about.hint });
    this.status = status;
    this.trace = about.trace;
  }
}

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
/** Absent, false and empty values are left out; a list repeats its name. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it comes; chunked. */
  readonly upload?: Readable;
  readonly signal?: AbortSignal;
}

/** The engine's start that is under way: what asks for it meanwhile waits for the same one. */
let starting: Promise<void> | undefined;

/**
 * Connects to the engine, starting it if it is not there.
 * @throws CommandError when there is no permission, or the engine does not start
 */
export async function connect(): Promise<Socket> {
  try {
    return await tryConnect();
  } catch (error) {
    if (!isAbsent(error)) throw connectionError(error);
  }
  starting ??= import('./engine-process.ts').then(({ startEngine }) => startEngine()).finally(() => (starting = undefined));
  await starting;
  try {
    return await tryConnect();
  } catch (error) {
    throw connectionError(error);
  }
}

function connectionError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM') {
    return new CommandError(`no permission to open the engine's socket ${socketPath} (${code})`, {
      hint: 'Run the command as root, or as a user who may open that socket.',
    });
  }
  if (Buffer.byteLength(socketPath) > 107)
    return new CommandError(
      `the engine's socket ${socketPath} would have a longer path than the 107 bytes that the kernel takes: set HAKO_RUN to a shorter one`,
    );
  return new CommandError(`cannot reach the engine at ${socketPath}: ${code ?? message}`);
}

/**
 * Sends a request; resolves with the headers of a good answer, whose body is still to be read.
 * @throws ApiError for an answer of 400 and more
 */
export async function send(method: Method, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const request = open(method, path, options, await connect());
  if (options.upload) options.upload.on('error', (error) => request.destroy(error)).pipe(request);
  else request.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.once('error', (error) => reject(options.signal?.aborted ? error : lost(error)));
  });
  if ((response.statusCode ?? 500) < 400) return response;
  throw await apiError(response, method);
}

/** Sends a request and parses the JSON of its answer; `undefined` when it has none. */
export async function request<T = void>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  const text = (await readText(await send(method, path, options))).trim();
  if (!text) return undefined as T;
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new CommandError(`the engine's answer to ${method} ${path} is not JSON`, { hint: `Its log is ${runDirectory}/hakod.log.` });
  }
}

/** `GET` of something in JSON. */
export function get<T>(path: string, query: Query = {}): Promise<T> {
  return request<T>('GET', path, { query });
}

/** `POST` of something in JSON, or of nothing. */
export function post<T = void>(path: string, query: Query = {}, body?: unknown): Promise<T> {
  return request<T>('POST', path, { query, body });
}

/** The two directions of a container's streams, after the connection stopped being HTTP. */
export interface Hijacked {
  readonly socket: Socket;
  /** What already came after the headers. */
  readonly head: Buffer;
}

/**
 * Asks for a connection to be turned into a raw stream (attach, exec).
 * @throws ApiError when the engine answers with an error instead
 */
export async function hijack(path: string, options: RequestOptions = {}): Promise<Hijacked> {
  const request = open('POST', path, options, await connect(), { Connection: 'Upgrade', Upgrade: 'tcp' });
  request.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  return new Promise((resolve, reject) => {
    request.once('upgrade', (_response, socket, head) => resolve({ socket, head }));
    request.once('response', (response) => {
      void apiError(response, 'POST').then(reject);
    });
    request.once('error', (error) => reject(lost(error)));
  });
}

function open(method: Method, path: string, options: RequestOptions, socket: Socket, extra: Record<string, string> = { Connection: 'close' }): ClientRequest {
  const headers: Record<string, string> = { Host: 'hako', ...extra };
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  if (options.upload) headers['Content-Type'] = 'application/x-tar';
  const json = options.body === undefined ? undefined : JSON.stringify(options.body);
  if (json !== undefined) headers['Content-Length'] = String(Buffer.byteLength(json));
  else if (!options.upload && method === 'POST') headers['Content-Length'] = '0';
  const signal = options.signal ? { signal: options.signal } : {};
  return http.request({ method, path: path + queryString(options.query ?? {}), headers, createConnection: () => socket, ...signal });
}

function queryString(query: Query): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false || value === '') continue;
    for (const one of typeof value === 'object' ? value : [value]) parts.push(`${name}=${encodeURIComponent(one === true ? '1' : String(one))}`);
  }
  return parts.length ? `?${parts.join('&')}` : '';
}

async function apiError(response: IncomingMessage, method: Method): Promise<ApiError> {
  const text = method === 'HEAD' ? '' : await readText(response);
  let message = text.trim();
  let trace: Trace | undefined;
  try {
    ({ message, trace } = JSON.parse(text) as { readonly message: string; readonly trace?: Trace });
  } catch {
    // not JSON: what came is the message
  }
  // The client asks for nothing that its own engine has not: the one that runs was started from other sources.
  if (response.statusCode === 404 && message.endsWith('is not part of this API.'))
    return new ApiError(404, `the engine that runs is of another build than this client and does not know what is asked: ${message}`, {
      hint: 'Stop it with `hako engine stop`: containers go on, and the next command starts the engine of this build.',
    });
  return new ApiError(response.statusCode ?? 500, message || `the engine answered ${response.statusCode} ${response.statusMessage ?? ''}`.trim(), { trace });
}

/**
 * A name or an id as one part of a path: a slash in it makes no other route of it.
 * @throws ApiError as the engine would, could an empty name be asked for
 */
export function segment(reference: string): string {
  if (reference === '') throw new ApiError(404, 'nothing has an empty name: give a name or an id');
  return encodeURIComponent(reference).replaceAll('%3A', ':');
}

/** `--filter name=value …` in the API's form: JSON of name to values. */
export function filterQuery(filters: readonly string[]): string {
  if (filters.length === 0) return '';
  const byName: Record<string, string[]> = {};
  for (const filter of filters) {
    const equals = filter.indexOf('=');
    if (equals < 0) throw new UsageError(`invalid argument "${filter}" for a filter flag: it must have the form NAME=VALUE`);
    (byName[filter.slice(0, equals).trim().toLowerCase()] ??= []).push(filter.slice(equals + 1).trim());
  }
  return JSON.stringify(byName);
}
