/** Files of containers: `docker cp` and `docker export`. */
import type { PathStat } from '../../engine/engine.ts';
import type { Exchange } from '../http/exchange.ts';
import type { Route } from '../http/router.ts';

const statHeader = 'X-Docker-Container-Path-Stat';

export const containerArchiveRoutes: readonly Route[] = [
  {
    method: 'HEAD',
    path: '/containers/{ref}/archive',
    async handle(exchange) {
      const stat = await exchange.engine.containers.statArchive(exchange.parameter('ref'), exchange.query.required('path'));
      exchange.response.writeHead(200, { [statHeader]: encodeStat(stat) }).end();
    },
  },
  {
    method: 'GET',
    path: '/containers/{ref}/archive',
    async handle(exchange) {
      const { stat, tar } = await exchange.engine.containers.getArchive(exchange.parameter('ref'), exchange.query.required('path'));
      await exchange.stream(tar, 'application/x-tar', { [statHeader]: encodeStat(stat) });
    },
  },
  { method: 'PUT', path: '/containers/{ref}/archive', handle: putArchive },
  {
    method: 'GET',
    path: '/containers/{ref}/export',
    async handle(exchange) {
      await exchange.stream(await exchange.engine.containers.export(exchange.parameter('ref')), 'application/octet-stream');
    },
  },
];

async function putArchive(exchange: Exchange): Promise<void> {
  const { query } = exchange;
  await exchange.engine.containers.putArchive(exchange.parameter('ref'), query.required('path'), exchange.upload, {
    noOverwriteDirNonDir: query.flag('noOverwriteDirNonDir'),
    copyUidGid: query.flag('copyUIDGID'),
  });
  exchange.empty(200);
}

function encodeStat(stat: PathStat): string {
  return Buffer.from(JSON.stringify(stat)).toString('base64');
}
