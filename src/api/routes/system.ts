/** The engine itself: ping, version, info, events, disk usage. */
import { RequestError } from '../http/error.ts';
import type { Exchange } from '../http/exchange.ts';
import { drained } from '../http/framing.ts';
import type { Route } from '../http/router.ts';
import type { EngineEvent } from '../schema.ts';
import { apiVersion, minimalMinor } from '../version.ts';

export const systemRoutes: readonly Route[] = [
  { method: 'GET', path: '/_ping', handle: ping },
  { method: 'HEAD', path: '/_ping', handle: ping },
  { method: 'GET', path: '/version', handle: version },
  {
    method: 'GET',
    path: '/info',
    async handle(exchange) {
      exchange.json(await exchange.engine.info());
    },
  },
  { method: 'GET', path: '/events', handle: events },
  { method: 'GET', path: '/system/df', handle: diskUsage },
  {
    method: 'POST',
    path: '/auth',
    handle: () => {
      throw new RequestError(501, 'Logging in to a registry is not available: this engine neither pulls nor pushes.');
    },
  },
  {
    method: 'GET',
    path: '/plugins',
    handle(exchange) {
      exchange.json([]);
    },
  },
];

function ping({ response }: Exchange): void {
  response.writeHead(200, {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': 2,
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    Swarm: 'inactive',
  });
  response.end('OK');
}

async function version(exchange: Exchange): Promise<void> {
  const { ServerVersion, KernelVersion } = await exchange.engine.info();
  const MinAPIVersion = `1.${minimalMinor}`;
  const Arch = process.arch === 'x64' ? 'amd64' : process.arch;
  exchange.json({
    Platform: { Name: 'hakobune' },
    Components: [
      {
        Name: 'Engine',
        Version: ServerVersion,
        Details: { ApiVersion: apiVersion, Arch, KernelVersion, MinAPIVersion, NodeVersion: process.version, Os: 'linux', Experimental: 'false' },
      },
    ],
    Version: ServerVersion,
    ApiVersion: apiVersion,
    MinAPIVersion,
    GitCommit: '',
    GoVersion: '',
    NodeVersion: process.version,
    Os: 'linux',
    Arch,
    KernelVersion,
  });
}

async function events(exchange: Exchange): Promise<void> {
  const { query, signal } = exchange;
  const [since, until] = [query.moment('since'), query.moment('until')];
  const source = exchange.engine.events({
    filters: query.filters(),
    signal,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
  const target = exchange.begin('application/json');
  for await (const event of source) if (!target.write(eventLine(event))) await drained(target);
  target.end();
}

/** A JSON line; the nanoseconds are a number there, and bigger than JSON.stringify writes exactly. */
function eventLine({ timeNano, ...event }: EngineEvent): string {
  return `${JSON.stringify(event).slice(0, -1)},"timeNano":${timeNano}}\n`;
}

async function diskUsage(exchange: Exchange): Promise<void> {
  const { images, containers, volumes } = exchange.engine;
  const [Images, Containers, Volumes] = await Promise.all([
    images.list({ all: true, filters: {} }),
    containers.list({ all: true, size: true, filters: {} }),
    volumes.list({}),
  ]);
  const LayersSize = Images.reduce((sum, { Size, SharedSize }) => sum + Size - Math.max(0, SharedSize), 0);
  exchange.json({ LayersSize, Images, Containers, Volumes, BuildCache: [] });
}
