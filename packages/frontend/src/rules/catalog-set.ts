/**
 * The addresses of the catalogs, merged from what the linked replicas sent. Each replica sends the whole set,
 * but knows a catalog's URL only while it has a link to that catalog.
 */
import { CATALOGS_MAX, type CatalogWire } from '@trireme/domain';

export class CatalogSet {
  /** The last list of each linked replica, by the replica's URL; the latest list is last. */
  readonly #lists = new Map<string, readonly CatalogWire[]>();
  #urls: ReadonlyMap<string, string> = new Map();

  /** URLs of the catalogs to connect to, by id; at most `CATALOGS_MAX`. */
  get urls(): ReadonlyMap<string, string> {
    return this.#urls;
  }

  /** A replica sent the set. */
  onList(replica: string, items: readonly CatalogWire[]): void {
    this.#lists.delete(replica);
    this.#lists.set(replica, items);
    this.#merge();
  }

  /** The link to the replica closed. The last known URLs stay while no replica is linked. */
  onReplicaUnlinked(replica: string): void {
    if (this.#lists.delete(replica) && this.#lists.size > 0) this.#merge();
  }

  /** Keeps the last URL of a catalog that no replica has a link to: this front-end may still reach it. */
  #merge(): void {
    const urls = new Map<string, string>();
    for (const items of [...this.#lists.values()].toReversed()) {
      for (const [id, url] of items) if (url !== null && !urls.has(id)) add(urls, id, url);
    }
    for (const items of this.#lists.values()) {
      for (const [id] of items) {
        const known = this.#urls.get(id);
        if (known !== undefined && !urls.has(id)) add(urls, id, known);
      }
    }
    this.#urls = urls;
  }
}

function add(urls: Map<string, string>, id: string, url: string): void {
  if (urls.size < CATALOGS_MAX) urls.set(id, url);
}
