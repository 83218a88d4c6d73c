/** Named volumes. */
import { volumeCreateBody } from '../bodies.ts';
import type { Route } from '../http/router.ts';

export const volumeRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/volumes',
    async handle(exchange) {
      exchange.json({ Volumes: await exchange.engine.volumes.list(exchange.query.filters()), Warnings: null });
    },
  },
  {
    method: 'POST',
    path: '/volumes/create',
    async handle(exchange) {
      exchange.json(await exchange.engine.volumes.create((await exchange.optionalBody(volumeCreateBody)) ?? {}), 201);
    },
  },
  {
    method: 'POST',
    path: '/volumes/prune',
    async handle(exchange) {
      exchange.json(await exchange.engine.volumes.prune(exchange.query.filters()));
    },
  },
  {
    method: 'GET',
    path: '/volumes/{name}',
    async handle(exchange) {
      exchange.json(await exchange.engine.volumes.inspect(exchange.parameter('name')));
    },
  },
  {
    method: 'DELETE',
    path: '/volumes/{name}',
    async handle(exchange) {
      await exchange.engine.volumes.remove(exchange.parameter('name'), { force: exchange.query.flag('force') });
      exchange.empty();
    },
  },
];
