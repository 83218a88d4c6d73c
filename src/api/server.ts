/**
 * The engine's HTTP server: the Docker Engine API over a unix socket. It finds the route, gives the handler an exchange, and turns what the
 * handler throws into `{"message": …}`. What clients do wrong, or too much of, ends here and does not reach the engine.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Engine, EngineError } from '../engine/engine.ts';
import { answerOf, RequestError } from './http/error.ts';
import { Exchange } from './http/exchange.ts';
import { type Match, Router } from './http/router.ts';
import { listenOnSocket } from './http/socket.ts';
import { containerArchiveRoutes } from './routes/container-archive.ts';
import { containerStreamRoutes } from './routes/container-streams.ts';
import { containerRoutes } from './routes/containers.ts';
import { execRoutes } from './routes/exec.ts';
import { imageRoutes } from './routes/images.ts';
import { networkRoutes } from './routes/networks.ts';
import { stepRoutes } from './routes/steps.ts';
import { systemRoutes } from './routes/system.ts';
import { volumeRoutes } from './routes/volumes.ts';
import { apiVersion, currentMinor, minimalMinor } from './version.ts';

// An `import` of node:http reads all its exports, one of which loads a whole HTTP client: tens of milliseconds of the engine's start.
const http = process.getBuiltinModule('node:http');

const commonHeaders: readonly (readonly [string, string])[] = [
  ['Api-Version', apiVersion],
  ['Docker-Experimental', 'false'],
  ['Ostype', 'linux'],
  ['Server', 'hakobune (linux)'],
];

/** Milliseconds in which a client must have sent its headers; bodies and streams take as long as they take. */
const headersTimeout = 15_000;
/** Milliseconds that a client may go on to send a body nobody wants, after its answer. */
const surplusTimeout = 5000;
const maximalConnections = 8192;

const router = new Router([
  ...systemRoutes,
  ...containerRoutes,
  ...containerStreamRoutes,
  ...containerArchiveRoutes,
  ...execRoutes,
  ...imageRoutes,
  ...volumeRoutes,
  ...networkRoutes,
  ...stepRoutes,
]);

export interface ApiServer {
  readonly socketPath: string;
  /** Takes no more requests, and ends the connections that are open. */
  close(): Promise<void>;
}

export interface ServerOptions {
  readonly socketPath: string;
  /** Told in one line of an error that is nobody's but the engine's; absent: to standard error. */
  readonly report?: (message: string) => void;
}

/**
 * Serves the engine on a unix socket of mode 0660, of group `hako` where there is one.
 * @throws EngineError when another engine answers on the socket, or something else is in its place
 */
export async function startServer(engine: Engine, options: ServerOptions): Promise<ApiServer> {
  const report = options.report ?? ((message: string): void => console.error(message));
  const hijackable = /\/(?:attach|start)(?:\?|$)/;
  const server = http.createServer({
    headersTimeout,
    requestTimeout: 0,
    keepAliveTimeout: 60_000,
    connectionsCheckingInterval: 5000,
    maxHeaderSize: 64 * 1024,
    // Clients that offer an upgrade to anything else get an ordinary answer, which is what a server may do.
    shouldUpgradeCallback: (message) => message.method === 'POST' && hijackable.test(message.url ?? ''),
  });
  server.maxConnections = maximalConnections;
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  server.on('request', (message, response) => void serve(engine, message, response, undefined, report));
  server.on('upgrade', (message: IncomingMessage, socket: Socket, head: Buffer) => {
    if (head.length > 0) socket.unshift(head);
    const response = new http.ServerResponse(message);
    response.assignSocket(socket);
    response.shouldKeepAlive = false;
    response.once('finish', () => socket.end());
    void serve(engine, message, response, socket, report);
  });
  server.on('clientError', refuse);
  await listenOnSocket(server, options.socketPath);
  return { socketPath: options.socketPath, close: () => closeServer(server, sockets) };
}

async function serve(
  engine: Engine,
  message: IncomingMessage,
  response: ServerResponse,
  upgraded: Socket | undefined,
  report: (message: string) => void,
): Promise<void> {
  for (const [name, value] of commonHeaders) response.setHeader(name, value);
  response.on('error', () => response.destroy());
  try {
    const { minor, path, query } = parseTarget(message.url ?? '/');
    const { route, parameters }: Match = router.find(message.method ?? 'GET', path);
    await route.handle(new Exchange({ engine, minor, query, parameters, message, response, upgraded }));
  } catch (error) {
    answerError(error, message, response, upgraded, report);
  }
  if (!message.complete && !upgraded) {
    const timer = setTimeout(() => message.socket.destroy(), surplusTimeout).unref();
    message.once('close', () => clearTimeout(timer));
    message.resume();
  }
}

function answerError(
  error: unknown,
  message: IncomingMessage,
  response: ServerResponse,
  upgraded: Socket | undefined,
  report: (message: string) => void,
): void {
  const { status, message: sentence, trace } = answerOf(error);
  // The stack only of what is a defect of ours.
  if (status === 500)
    report(`${message.method} ${message.url?.slice(0, 200)}: ${error instanceof EngineError ? sentence : ((error as Error).stack ?? sentence)}`);
  if (response.headersSent || response.socket === null) {
    // The answer has begun: cutting it off is the only way left to say that it is not whole.
    (upgraded ?? response).destroy();
    return;
  }
  if (status === 304) response.writeHead(304).end();
  else {
    const data = Buffer.from(`${JSON.stringify({ message: sentence, ...(trace === undefined ? {} : { trace }) })}\n`);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': data.length }).end(message.method === 'HEAD' ? undefined : data);
  }
}

/** Splits `/v1.50/path?query`; without a version the newest is meant. @throws RequestError 400 for a version that is not spoken here */
function parseTarget(url: string): { readonly minor: number; readonly path: string; readonly query: string } {
  const mark = url.indexOf('?');
  const whole = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  const version = /^\/v(\d{1,3})\.(\d{1,4})(?=\/)/.exec(whole);
  if (!version) return { minor: currentMinor, path: whole, query };
  const minor = Number(version[1]) === 1 ? Number(version[2]) : Number(version[1]) < 1 ? 0 : Infinity;
  const said = version[0].slice(2);
  if (minor > currentMinor) throw new RequestError(400, `client version ${said} is too new. Maximum supported API version is ${apiVersion}`);
  if (minor < minimalMinor)
    throw new RequestError(
      400,
      `client version ${said} is too old. Minimum supported API version is 1.${minimalMinor}, please upgrade your client to a newer version`,
    );
  return { minor, path: whole.slice(version[0].length), query };
}

/** Answers bytes that are no HTTP request. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  const body = `${JSON.stringify({ message: `This is not a request that can be understood (${error.code ?? error.message}).` })}\n`;
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`, () =>
    socket.destroy(),
  );
}

function closeServer(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
