import type { Container } from './container.ts';
import { ambiguousId, nameInUse, noSuchContainer } from './errors.ts';

/** Every container by id and by name. A name is taken before its container is there, so that two creations cannot share it. */
export class Registry {
  readonly #byId = new Map<string, Container>();
  /** Name to the id that holds it. */
  readonly #names = new Map<string, string>();

  /** @throws conflict in Docker's words when another id holds the name. */
  reserve(name: string, id: string): void {
    const holder = this.#names.get(name);
    if (holder !== undefined && holder !== id) throw nameInUse(name, holder);
    this.#names.set(name, id);
  }

  release(name: string, id: string): void {
    if (this.#names.get(name) === id) this.#names.delete(name);
  }

  isTaken(name: string): boolean {
    return this.#names.has(name);
  }

  /** The container's name must be reserved already. */
  add(container: Container): void {
    this.#byId.set(container.id, container);
  }

  delete(container: Container): void {
    this.#byId.delete(container.id);
    this.release(container.record.name, container.id);
  }

  has(container: Container): boolean {
    return this.#byId.get(container.id) === container;
  }

  hasId(id: string): boolean {
    return this.#byId.has(id);
  }

  all(): Container[] {
    return [...this.#byId.values()];
  }

  /** By full id, then name, then unique prefix of an id: Docker's order. @throws not-found; invalid when the prefix is ambiguous. */
  find(nameOrId: string): Container {
    const exact = this.#byId.get(nameOrId);
    if (exact) return exact;
    const named = this.#byId.get(this.#names.get(nameOrId.replace(/^\//, '')) ?? '');
    if (named) return named;
    if (nameOrId === '' || !/^[0-9a-f]+$/.test(nameOrId)) throw noSuchContainer(nameOrId);
    const matching = this.all().filter((container) => container.id.startsWith(nameOrId));
    const [only, another] = matching;
    if (!only) throw noSuchContainer(nameOrId);
    if (another) throw ambiguousId(nameOrId);
    return only;
  }
}
