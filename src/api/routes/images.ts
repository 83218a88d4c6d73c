/** Images: lists, archives in and out, commit. */
import { containerConfig } from '../bodies.ts';
import { RequestError } from '../http/error.ts';
import type { Exchange } from '../http/exchange.ts';
import { drained } from '../http/framing.ts';
import type { Route } from '../http/router.ts';
import { instructionsOf } from './commit-config.ts';

export const imageRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/images/json',
    async handle(exchange) {
      exchange.json(await exchange.engine.images.list({ all: exchange.query.flag('all'), filters: exchange.query.filters() }));
    },
  },
  {
    method: 'GET',
    path: '/images/get',
    async handle(exchange) {
      const names = exchange.query.list('names');
      if (names.length === 0) throw new RequestError(400, "Which images? Give each as a parameter 'names'.");
      await exchange.stream(await exchange.engine.images.save(names), 'application/x-tar');
    },
  },
  {
    method: 'GET',
    path: '/images/search',
    handle: () => {
      throw new RequestError(501, 'Searching a registry is not available.');
    },
  },
  { method: 'POST', path: '/images/load', handle: load },
  { method: 'POST', path: '/images/create', handle: createImage },
  {
    method: 'POST',
    path: '/images/prune',
    async handle(exchange) {
      exchange.json(await exchange.engine.images.prune(exchange.query.filters()));
    },
  },
  { method: 'POST', path: '/commit', handle: commit },
  {
    method: 'GET',
    path: '/images/{name*}/json',
    async handle(exchange) {
      exchange.json(await exchange.engine.images.inspect(exchange.parameter('name')));
    },
  },
  {
    method: 'GET',
    path: '/images/{name*}/history',
    async handle(exchange) {
      exchange.json(await exchange.engine.images.history(exchange.parameter('name')));
    },
  },
  {
    method: 'GET',
    path: '/images/{name*}/get',
    async handle(exchange) {
      await exchange.stream(await exchange.engine.images.save([exchange.parameter('name')]), 'application/x-tar');
    },
  },
  {
    method: 'POST',
    path: '/images/{name*}/tag',
    async handle(exchange) {
      const { query } = exchange;
      await exchange.engine.images.tag(exchange.parameter('name'), query.required('repo'), query.text('tag') ?? 'latest');
      exchange.empty(201);
    },
  },
  {
    method: 'POST',
    path: '/images/{name*}/push',
    handle: () => {
      throw new RequestError(501, 'Pushing to a registry is not available: save the image to an archive.');
    },
  },
  {
    method: 'DELETE',
    path: '/images/{name*}',
    async handle(exchange) {
      const { query } = exchange;
      exchange.json(await exchange.engine.images.remove(exchange.parameter('name'), { force: query.flag('force'), prune: !query.flag('noprune') }));
    },
  },
];

/** Progress as it comes. An error before any is an ordinary error answer, later it is the last line. */
async function load(exchange: Exchange): Promise<void> {
  const { response } = exchange;
  try {
    for await (const message of exchange.engine.images.load(exchange.upload)) {
      if (!response.headersSent) exchange.begin('application/json');
      if (!response.write(progressLine(message))) await drained(response);
    }
  } catch (error) {
    if (!response.headersSent) throw error;
    response.write(progressLine({ error: (error as Error).message }));
  }
  if (!response.headersSent) exchange.begin('application/json');
  response.end();
}

function progressLine(message: { readonly stream?: string; readonly error?: string }): string {
  return `${JSON.stringify(message.error === undefined ? message : { ...message, errorDetail: { message: message.error } })}\r\n`;
}

/** Import, or pull, which is only a look at what is here. */
async function createImage(exchange: Exchange): Promise<void> {
  const { query, engine } = exchange;
  const from = query.text('fromImage');
  if (from !== undefined) {
    const tag = query.text('tag');
    const name = tag === undefined ? from : tag.includes(':') ? `${from}@${tag}` : `${from}:${tag}`;
    await engine.images.inspect(name).catch((error: unknown) => {
      if ((error as { status?: unknown }).status !== 404) throw error;
      throw new RequestError(404, `The image ${name} is not here, and pulling from a registry is not available: import an archive of it.`);
    });
    exchange.text(`${JSON.stringify({ status: `Status: Image is up to date for ${name}` })}\r\n`, 'application/json');
    return;
  }
  if (query.text('fromSrc') !== '-') throw new RequestError(400, "Send the archive as the request's body, with fromSrc=-; the engine downloads nothing.");
  const [repository, tag, message] = [query.text('repo'), query.text('tag'), query.text('message')];
  const { Id, RepoTags } = await engine.images.import(exchange.upload, {
    changes: query.list('changes'),
    ...(repository === undefined ? {} : { repository }),
    ...(tag === undefined ? {} : { tag }),
    ...(message === undefined ? {} : { message }),
  });
  const others = repository === undefined ? RepoTags.map((name) => ({ stream: `Loaded image: ${name}\n` })) : [];
  exchange.text([...others, { status: Id }].map((line) => `${JSON.stringify(line)}\r\n`).join(''), 'application/json');
}

async function commit(exchange: Exchange): Promise<void> {
  const { query } = exchange;
  const config = await exchange.optionalBody(containerConfig);
  const [repository, tag, comment, author] = [query.text('repo'), query.text('tag'), query.text('comment'), query.text('author')];
  const { Id } = await exchange.engine.images.commit(query.required('container'), {
    pause: query.flag('pause', true),
    changes: [...instructionsOf(config ?? {}), ...query.list('changes')],
    ...(repository === undefined ? {} : { repository }),
    ...(tag === undefined ? {} : { tag }),
    ...(comment === undefined ? {} : { comment }),
    ...(author === undefined ? {} : { author }),
  });
  exchange.json({ Id }, 201);
}
