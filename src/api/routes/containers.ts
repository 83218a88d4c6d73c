/** Containers: life cycle, lists and what is known of them. Their streams are in container-streams.ts, their files in container-archive.ts. */
import { containerCreateBody, containerUpdateBody } from '../bodies.ts';
import { RequestError } from '../http/error.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/router.ts';

const noCount = 0x7fff_ffff;

export const containerRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/containers/create',
    async handle(exchange) {
      const body = await exchange.body(containerCreateBody);
      exchange.json(await exchange.engine.containers.create(body, exchange.query.text('name')?.replace(/^\//, '')), 201);
    },
  },
  {
    method: 'POST',
    path: '/containers/explain',
    async handle(exchange) {
      const body = await exchange.body(containerCreateBody);
      exchange.json(await exchange.engine.containers.explain(body, exchange.query.text('name')?.replace(/^\//, '')));
    },
  },
  {
    method: 'GET',
    path: '/containers/json',
    async handle(exchange) {
      const { query } = exchange;
      const limit = query.integer('limit', -1, noCount);
      const filters = query.filters();
      exchange.json(
        await exchange.engine.containers.list({
          all: query.flag('all'),
          size: query.flag('size'),
          filters,
          ...(limit !== undefined && limit > 0 ? { limit } : {}),
        }),
      );
    },
  },
  {
    method: 'POST',
    path: '/containers/prune',
    async handle(exchange) {
      exchange.json(await exchange.engine.containers.prune(exchange.query.filters()));
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/json',
    async handle(exchange) {
      exchange.json(await exchange.engine.containers.inspect(exchange.parameter('ref'), { size: exchange.query.flag('size') }));
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/explain',
    async handle(exchange) {
      exchange.json(await exchange.engine.containers.explainContainer(exchange.parameter('ref'), { files: exchange.query.list('file') }));
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/script',
    async handle(exchange) {
      const form = exchange.query.text('cgroup');
      if (form !== undefined && form !== 'v1' && form !== 'v2' && form !== 'hybrid')
        throw new RequestError(400, `The form of cgroups '${form.slice(0, 64)}' is unknown: use v1, v2 or hybrid.`);
      const text = exchange.engine.containers.script(exchange.parameter('ref'), form);
      exchange.response.writeHead(200, { 'Content-Type': 'text/x-shellscript; charset=utf-8' }).end(text);
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/top',
    async handle(exchange) {
      exchange.json(await exchange.engine.containers.top(exchange.parameter('ref'), exchange.query.text('ps_args') ?? '-ef'));
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/changes',
    async handle(exchange) {
      const changes = await exchange.engine.containers.changes(exchange.parameter('ref'));
      exchange.json(changes.length === 0 ? null : changes);
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/start',
    async handle(exchange) {
      const ref = exchange.parameter('ref');
      if (exchange.query.flag('trace')) exchange.json(await exchange.engine.containers.startTraced(ref));
      else {
        await exchange.engine.containers.start(ref);
        exchange.empty();
      }
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/stop',
    async handle(exchange) {
      await exchange.engine.containers.stop(exchange.parameter('ref'), stopOptions(exchange));
      exchange.empty();
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/restart',
    async handle(exchange) {
      await exchange.engine.containers.restart(exchange.parameter('ref'), stopOptions(exchange));
      exchange.empty();
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/kill',
    async handle(exchange) {
      await exchange.engine.containers.kill(exchange.parameter('ref'), exchange.query.text('signal') ?? 'SIGKILL');
      exchange.empty();
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/pause',
    async handle(exchange) {
      await exchange.engine.containers.pause(exchange.parameter('ref'));
      exchange.empty();
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/unpause',
    async handle(exchange) {
      await exchange.engine.containers.unpause(exchange.parameter('ref'));
      exchange.empty();
    },
  },
  { method: 'POST', path: '/containers/{ref}/wait', handle: waitForExit },
  {
    method: 'POST',
    path: '/containers/{ref}/rename',
    async handle(exchange) {
      await exchange.engine.containers.rename(exchange.parameter('ref'), exchange.query.required('name').replace(/^\//, ''));
      exchange.empty();
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/update',
    async handle(exchange) {
      const body = await exchange.body(containerUpdateBody);
      exchange.json(await exchange.engine.containers.update(exchange.parameter('ref'), body));
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/resize',
    async handle(exchange) {
      const { height, width } = terminalSize(exchange);
      await exchange.engine.containers.resize(exchange.parameter('ref'), height, width);
      exchange.empty(200);
    },
  },
  {
    method: 'DELETE',
    path: '/containers/{ref}',
    async handle(exchange) {
      const { query } = exchange;
      if (query.flag('link')) throw new RequestError(501, 'Links between containers are not supported: give containers a name, or put them into one network.');
      await exchange.engine.containers.remove(exchange.parameter('ref'), { force: query.flag('force'), volumes: query.flag('v') });
      exchange.empty();
    },
  },
];

/** The size in `h` and `w`, rows and columns of a terminal. @throws RequestError 400 */
export function terminalSize({ query }: Exchange): { readonly height: number; readonly width: number } {
  const [height, width] = [query.integer('h', 0, 65_535), query.integer('w', 0, 65_535)];
  if (height === undefined || width === undefined) throw new RequestError(400, "The size of a terminal needs the parameters 'h' and 'w'.");
  return { height, width };
}

function stopOptions({ query }: Exchange): { readonly seconds?: number; readonly signal?: string } {
  const seconds = query.integer('t', -1, noCount);
  const signal = query.text('signal');
  return { ...(seconds === undefined ? {} : { seconds }), ...(signal === undefined ? {} : { signal }) };
}

/** The headers go out as soon as the engine waits: clients start the container when they see them. */
async function waitForExit(exchange: Exchange): Promise<void> {
  const condition = exchange.query.text('condition') ?? 'not-running';
  if (condition !== 'not-running' && condition !== 'next-exit' && condition !== 'removed') {
    throw new RequestError(400, `The condition '${condition.slice(0, 64)}' is unknown: use not-running, next-exit or removed.`);
  }
  const { ready, done } = exchange.engine.containers.wait(exchange.parameter('ref'), condition);
  const settled = done.catch((error: unknown) => ({ StatusCode: -1, Error: { Message: (error as Error).message } }));
  await ready;
  const output = exchange.begin('application/json');
  const result = await settled;
  output.end(`${JSON.stringify(result)}\n`);
}
