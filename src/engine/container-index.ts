/**
 * The engine's containers by id and by name: what a client means by the text it sends. The words of the errors are
 * Docker's, since scripts look for them.
 */
import { randomBytes } from 'node:crypto';
import type { Container } from './container.ts';
import { EngineError } from './engine.ts';
import { randomName } from './random-name.ts';

/** Names are kept without the slash that the API writes before them. */
const bare = (name: string): string => (name.startsWith('/') ? name.slice(1) : name);

/** Names that are tried before a number is put behind one. */
const attempts = 8;

export class ContainerIndex {
  readonly #byId = new Map<string, Container>();
  readonly #byName = new Map<string, Container>();

  get size(): number {
    return this.#byId.size;
  }

  /** Every container, in the order they came. */
  all(): Container[] {
    return [...this.#byId.values()];
  }

  /**
   * Takes a container in; from now on its name is taken.
   * @throws EngineError 409 when another has its name
   */
  add(container: Container): void {
    const { record } = container;
    record.name = bare(record.name);
    this.#requireFree(record.name);
    this.#byId.set(record.id, container);
    this.#byName.set(record.name, container);
  }

  /** Lets a container and its name go; one that is not here is no error. */
  remove(container: Container): void {
    this.#byId.delete(container.id);
    if (this.#byName.get(container.record.name) === container) this.#byName.delete(container.record.name);
  }

  /**
   * Gives a container another name.
   * @param name valid, with or without a leading slash
   * @throws EngineError 400 for the name that it has, 409 when another has it
   */
  rename(container: Container, name: string): void {
    const { record } = container;
    const wanted = bare(name);
    if (wanted === record.name) throw new EngineError(400, 'Renaming a container with the same name as its current name');
    this.#requireFree(wanted);
    this.#byName.delete(record.name);
    record.name = wanted;
    this.#byName.set(wanted, container);
  }

  #requireFree(name: string): void {
    const owner = this.#byName.get(name);
    if (!owner) return;
    throw new EngineError(
      409,
      `Conflict. The container name "/${name}" is already in use by container "${owner.id}". You have to remove (or rename) that container to be able to reuse that name.`,
    );
  }

  /**
   * The container that a client means: a whole id, else a name, else the beginning of an id that no other id has.
   * @throws EngineError 404 when there is none, 400 when a prefix fits several
   */
  find(ref: string): Container {
    const exact = this.#byId.get(ref) ?? this.#byName.get(bare(ref));
    if (exact) return exact;
    const fitting = /^[0-9a-f]{1,63}$/.test(ref) ? [...this.#byId.values()].filter(({ id }) => id.startsWith(ref)) : [];
    if (fitting.length > 1) throw new EngineError(400, `multiple IDs found with provided prefix: ${ref}`);
    if (fitting[0]) return fitting[0];
    throw new EngineError(404, `No such container: ${ref.slice(0, 256)}`);
  }

  /** An identifier that no container has: 64 hexadecimal digits. The short form is never a number, which YAML and others would misread. */
  newId(): string {
    for (;;) {
      const id = randomBytes(32).toString('hex');
      if (!this.#byId.has(id) && !/^\d{12}/.test(id)) return id;
    }
  }

  /** A name that no container has, such as `brave_otter`. */
  randomName(): string {
    for (let tries = 0; ; tries++) {
      const name = `${randomName()}${tries < attempts ? '' : tries}`;
      if (!this.#byName.has(name)) return name;
    }
  }
}
