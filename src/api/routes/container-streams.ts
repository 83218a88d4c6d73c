/** What goes on as long as a container runs: attach, logs, stats. */
import { serveAttachment } from '../http/attachment.ts';
import { RequestError } from '../http/error.ts';
import type { Exchange } from '../http/exchange.ts';
import { contentType, drained, writeOutput } from '../http/framing.ts';
import type { Route } from '../http/router.ts';

export const containerStreamRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/{ref}/attach', handle: attach },
  { method: 'GET', path: '/containers/{ref}/logs', handle: logs },
  { method: 'GET', path: '/containers/{ref}/stats', handle: stats },
];

async function attach(exchange: Exchange): Promise<void> {
  const { query } = exchange;
  const attachment = await exchange.engine.containers.attach(exchange.parameter('ref'), {
    stdin: query.flag('stdin'),
    stdout: query.flag('stdout'),
    stderr: query.flag('stderr'),
    logs: query.flag('logs'),
    stream: query.flag('stream'),
  });
  await serveAttachment(exchange, attachment, query.text('detachKeys'));
}

async function logs(exchange: Exchange): Promise<void> {
  const { query, signal } = exchange;
  const streams = { stdout: query.flag('stdout'), stderr: query.flag('stderr') };
  if (!streams.stdout && !streams.stderr) throw new RequestError(400, 'Logs of which stream? Choose at least one of stdout=1 and stderr=1.');
  const tail = query.text('tail') === 'all' ? undefined : query.integer('tail', -1, Number.MAX_SAFE_INTEGER);
  const [since, until] = [query.moment('since'), query.moment('until')];
  const { terminal, output } = await exchange.engine.containers.logs(exchange.parameter('ref'), {
    ...streams,
    signal,
    follow: query.flag('follow'),
    timestamps: query.flag('timestamps'),
    ...(tail === undefined || tail < 0 ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
  });
  const target = exchange.begin(contentType(terminal, exchange.minor));
  await writeOutput(target, output, terminal);
  target.end();
}

async function stats(exchange: Exchange): Promise<void> {
  const { query, signal } = exchange;
  const options = { stream: query.flag('stream', true), oneShot: query.flag('one-shot'), signal };
  const ref = exchange.parameter('ref');
  await exchange.engine.containers.inspect(ref, { size: false });
  const target = exchange.begin('application/json');
  for await (const sample of exchange.engine.containers.stats(ref, options)) {
    if (!target.write(`${JSON.stringify(sample)}\n`)) await drained(target);
  }
  target.end();
}
