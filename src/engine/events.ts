/**
 * What happened: the last events in a ring, and everyone who listens. Who listens and does not read is let go,
 * since an engine must not keep for him what it does.
 */
import type { EngineEvent, EventType, Filters } from '../api/schema.ts';
import { EngineError } from './engine.ts';
import { checkFilters, filterValues, matchesExactly, matchesLabels } from './filters.ts';
import { now } from './time.ts';

/** Events that `since` can still see. */
const ringSize = 1024;
/** Events that may wait for one listener. */
const backlogSize = 4096;

const known = ['config', 'container', 'daemon', 'event', 'image', 'label', 'network', 'node', 'plugin', 'scope', 'secret', 'service', 'type', 'volume'];

/** What to read. Times are nanoseconds since the epoch. */
export interface EventOptions {
  /** Start with what the ring still has from then on. */
  readonly since?: bigint;
  /** End there; in the future, wait for it. */
  readonly until?: bigint;
  readonly filters: Filters;
  readonly signal: AbortSignal;
}

export class Events {
  readonly #ring: EngineEvent[] = [];
  /** Where the oldest event is, once the ring is full. */
  #oldest = 0;
  readonly #listeners = new Set<Listener>();

  /** How many listen. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * @param action `create`, `start`, `exec_start: COMMAND`, …
   * @param id of what it happened to
   * @param attributes such as `name`, `image` and the labels
   */
  publish(type: EventType, action: string, id: string, attributes: Readonly<Record<string, string>>): void {
    const timeNano = now();
    const event: EngineEvent = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: { ...attributes } },
      scope: 'local',
      time: Number(timeNano / 1_000_000_000n),
      timeNano,
      ...(type === 'container' || type === 'image' ? { status: action, id } : {}),
      ...(type === 'container' && attributes['image'] !== undefined ? { from: attributes['image'] } : {}),
    };
    if (this.#ring.length < ringSize) this.#ring.push(event);
    else {
      this.#ring[this.#oldest] = event;
      this.#oldest = (this.#oldest + 1) % ringSize;
    }
    for (const listener of this.#listeners) listener.take(event);
  }

  /**
   * Events from now on, or from `since`. Listening begins with the call, not with the first reading.
   * @throws EngineError 400 for an unknown filter; 503, while reading, when the listener fell too far behind
   */
  read(options: EventOptions): AsyncIterable<EngineEvent> {
    checkFilters(options.filters, known);
    const listener = new Listener(options, (one) => this.#listeners.delete(one));
    if (options.since !== undefined) {
      for (const event of [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)]) if (event.timeNano >= options.since) listener.take(event);
    }
    this.#listeners.add(listener);
    listener.begin();
    return listener.read();
  }
}

/** One who listens: what waits for him, and when he stops. */
class Listener {
  readonly #options: EventOptions;
  readonly #leave: (listener: Listener) => void;
  #waiting: EngineEvent[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #overrun = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #abort = (): void => this.#end();

  constructor(options: EventOptions, leave: (listener: Listener) => void) {
    this.#options = options;
    this.#leave = leave;
  }

  begin(): void {
    const { until, signal } = this.#options;
    if (until !== undefined) {
      const remaining = Number((until - now()) / 1_000_000n) + 1;
      if (remaining <= 0) return this.#end();
      this.#timer = setTimeout(() => this.#end(), Math.min(remaining, 0x7fff_ffff));
    }
    if (signal.aborted) this.#end();
    else signal.addEventListener('abort', this.#abort, { once: true });
  }

  take(event: EngineEvent): void {
    const { until, filters } = this.#options;
    if (this.#ended || (until !== undefined && event.timeNano > until) || !matchesEvent(filters, event)) return;
    if (this.#waiting.length >= backlogSize) {
      this.#overrun = true;
      this.#waiting = [];
      return this.#end();
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  async *read(): AsyncGenerator<EngineEvent, void> {
    try {
      for (;;) {
        const events = this.#waiting;
        this.#waiting = [];
        yield* events;
        if (this.#waiting.length > 0) continue;
        if (this.#overrun) throw new EngineError(503, `More than ${backlogSize} events waited to be read: the listener was let go.`);
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#end();
    }
  }

  #end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener('abort', this.#abort);
    this.#leave(this);
    this.#wake?.();
  }
}

/** Whether an event passes the filters of `docker events`. */
function matchesEvent(filters: Filters, event: EngineEvent): boolean {
  const {
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: attributes },
  } = event;
  const { name = '', image = '' } = attributes;
  return (
    matchesExactly(filters, 'type', type) &&
    matchesExactly(filters, 'scope', event.scope) &&
    matchesExactly(filters, 'event', action, action.split(':')[0] ?? '') &&
    matchesLabels(filters, attributes) &&
    ['config', 'daemon', 'network', 'node', 'plugin', 'secret', 'service', 'volume'].every((kind) => matchesActor(filters, kind, event, [name])) &&
    matchesActor(filters, 'container', event, [name, attributes['container'] ?? '']) &&
    (filterValues(filters, 'image') === undefined ||
      matchesExactly(filters, 'image', ...(type === 'image' ? [id, withoutTag(id), name, withoutTag(name)] : [image, withoutTag(image)])))
  );
}

/** Whether the filter for a kind of object is absent, or the event is about such an object with that id, a prefix of it, or one of the names. */
function matchesActor(filters: Filters, kind: string, event: EngineEvent, names: readonly string[]): boolean {
  const values = filterValues(filters, kind);
  if (!values) return true;
  const { ID: id, Attributes: attributes } = event.Actor;
  if (event.Type !== kind) return kind === 'container' && event.Type === 'network' && values.some((value) => (attributes['container'] ?? '').startsWith(value));
  return values.some((value) => names.includes(value.replace(/^\//, '')) || id.startsWith(value));
}

function withoutTag(reference: string): string {
  return reference.replace(/:[^:/]+$/, '');
}
