/** Networks: `bridge`, `host` and `none`, which can be looked at and not changed. */
import { RequestError } from '../http/error.ts';
import type { Route } from '../http/router.ts';

const readOnly = (): never => {
  throw new RequestError(501, 'Networks cannot be made, changed or removed: there are bridge, host and none.');
};

export const networkRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/networks',
    async handle(exchange) {
      exchange.json(await exchange.engine.networks.list(exchange.query.filters()));
    },
  },
  {
    method: 'GET',
    path: '/networks/{ref}',
    async handle(exchange) {
      exchange.json(await exchange.engine.networks.inspect(exchange.parameter('ref')));
    },
  },
  {
    method: 'POST',
    path: '/networks/prune',
    handle(exchange) {
      exchange.json({ NetworksDeleted: null });
    },
  },
  { method: 'POST', path: '/networks/create', handle: readOnly },
  { method: 'POST', path: '/networks/{ref}/connect', handle: readOnly },
  { method: 'POST', path: '/networks/{ref}/disconnect', handle: readOnly },
  { method: 'DELETE', path: '/networks/{ref}', handle: readOnly },
];
