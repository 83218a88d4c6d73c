/** Finds the handler of a request by method and path. */
import type { Exchange } from './exchange.ts';
import { RequestError } from './error.ts';

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';

export interface Route {
  readonly method: Method;
  /** `/containers/{ref}/json`; `{name*}` may contain slashes, as names of images do. */
  readonly path: string;
  /** Answers through the exchange; what it throws becomes the answer's error. */
  readonly handle: (exchange: Exchange) => Promise<void> | void;
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Compiled {
  readonly route: Route;
  readonly pattern: RegExp;
  readonly names: readonly string[];
}

/** Routes by method and first segment, tried in the order in which they were given. */
export class Router {
  readonly #buckets = new Map<string, Compiled[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const names: string[] = [];
      const pattern = route.path.replace(/\{(\w+)(\*?)\}/g, (_whole, name: string, star: string) => {
        names.push(name);
        return star ? '(.+)' : '([^/]+)';
      });
      const key = bucketOf(route.method, route.path);
      const bucket = this.#buckets.get(key) ?? [];
      bucket.push({ route, pattern: new RegExp(`^${pattern}$`), names });
      this.#buckets.set(key, bucket);
    }
  }

  /** @param path without version and query @throws RequestError 400 when a parameter is not valid percent-encoding, 404 for an unknown path */
  find(method: string, path: string): Match {
    for (const { route, pattern, names } of this.#buckets.get(bucketOf(method, path)) ?? []) {
      const found = pattern.exec(path);
      if (!found) continue;
      const parameters: Record<string, string> = {};
      names.forEach((name, index) => {
        parameters[name] = decode(found[index + 1] ?? '');
      });
      return { route, parameters };
    }
    throw new RequestError(404, `${method} ${path.slice(0, 200)} is not part of this API.`);
  }
}

function bucketOf(method: string, path: string): string {
  const end = path.indexOf('/', 1);
  return `${method} ${end < 0 ? path : path.slice(0, end)}`;
}

function decode(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RequestError(400, `'${text.slice(0, 200)}' in the path is not valid percent-encoding.`);
  }
}
