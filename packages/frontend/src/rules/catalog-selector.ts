/**
 * Chooses the catalog that the front-end's cache follows, the *current* one, and the order in which catalogs
 * are asked. Each front-end prefers a different order, so that front-ends spread over the catalogs:
 * rendezvous hashing (Thaler and Ravishankar, 1998).
 */
import { createHash } from 'node:crypto';

interface Linked {
  readonly id: string;
  readonly weight: number;
  /** When its link opened, in milliseconds. */
  readonly openedAt: number;
}

export class CatalogSelector {
  readonly #frontend: string;
  /** The most preferred first. Bounded by the number of known catalogs. */
  #linked: readonly Linked[] = [];
  #current: string | null = null;

  /** @param frontend name of the front-end. */
  constructor(frontend: string) {
    this.#frontend = frontend;
  }

  /** Null while no catalog is linked. */
  get current(): string | null {
    return this.#current;
  }

  /** A link to the catalog opened at `now`. The catalog becomes the current one if there is none. */
  onOpened(id: string, now: number): void {
    const others = this.#linked.filter((linked) => linked.id !== id);
    this.#linked = [...others, { id, weight: weightOf(this.#frontend, id), openedAt: now }].sort(
      (a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1),
    );
    this.#current ??= id;
  }

  /**
   * The link to the catalog closed. If it was the current one, the most preferred linked one takes its place.
   */
  onClosed(id: string): void {
    this.#linked = this.#linked.filter((linked) => linked.id !== id);
    if (this.#current === id) this.#current = this.#linked[0]?.id ?? null;
  }

  /** The next catalog to ask, the current one first; null if all linked ones are in `asked`. */
  nextToAsk(asked: readonly string[]): string | null {
    if (this.#current !== null && !asked.includes(this.#current)) return this.#current;
    return this.#linked.find(({ id }) => !asked.includes(id))?.id ?? null;
  }

  /** Makes a linked catalog the current one. */
  select(id: string): void {
    if (this.#linked.some((linked) => linked.id === id)) this.#current = id;
  }

  /** A catalog that is preferred to the current one and whose link has been open for `ms` at `now`, or null. */
  preferredCatalog(now: number, ms: number): string | null {
    for (const { id, openedAt } of this.#linked) {
      if (id === this.#current) return null;
      if (now - openedAt >= ms) return id;
    }
    return null;
  }
}

function weightOf(frontend: string, catalog: string): number {
  return createHash('sha256').update(`${frontend}\0${catalog}`).digest().readUIntBE(0, 6);
}
