/** Processes that are started in a running container. */
import { execCreateBody, execStartBody } from '../bodies.ts';
import { serveAttachment } from '../http/attachment.ts';
import { RequestError } from '../http/error.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/router.ts';
import { terminalSize } from './containers.ts';

export const execRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/containers/{ref}/exec',
    async handle(exchange) {
      const body = await exchange.body(execCreateBody);
      if (!body.Cmd?.length) throw new RequestError(400, 'No exec command specified: Cmd needs at least the name of a program.');
      exchange.json(await exchange.engine.execs.create(exchange.parameter('ref'), body), 201);
    },
  },
  {
    method: 'POST',
    path: '/containers/{ref}/why',
    async handle(exchange) {
      exchange.json(await exchange.engine.execs.why(exchange.parameter('ref'), await exchange.body(execCreateBody)), 201);
    },
  },
  {
    method: 'GET',
    path: '/exec/{id}/why',
    async handle(exchange) {
      exchange.json(await exchange.engine.execs.whyReport(exchange.parameter('id')));
    },
  },
  { method: 'POST', path: '/exec/{id}/start', handle: start },
  {
    method: 'POST',
    path: '/exec/{id}/resize',
    async handle(exchange) {
      const { height, width } = terminalSize(exchange);
      await exchange.engine.execs.resize(exchange.parameter('id'), height, width);
      exchange.empty(200);
    },
  },
  {
    method: 'GET',
    path: '/exec/{id}/json',
    async handle(exchange) {
      exchange.json(await exchange.engine.execs.inspect(exchange.parameter('id')));
    },
  },
];

async function start(exchange: Exchange): Promise<void> {
  const { Detach: detach = false, Tty: terminal = false, ConsoleSize: consoleSize } = (await exchange.optionalBody(execStartBody)) ?? {};
  const { execs } = exchange.engine;
  const id = exchange.parameter('id');
  const keys = terminal && !detach ? (await execs.inspect(id)).DetachKeys || undefined : undefined;
  const attachment = await execs.start(id, { detach, terminal, ...(consoleSize && terminal ? { consoleSize } : {}) });
  if (attachment) await serveAttachment(exchange, attachment, keys);
  else exchange.empty(200);
}
