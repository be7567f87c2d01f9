/**
 * Where the catalogs are, as far as the linked replicas have told. Each replica names the whole set and knows the url of a
 * catalog while it is linked with it, so that one may know what another does not.
 */
import { CATALOGS_MAX, type CatalogWire } from '@trireme/domain';

export class CatalogSet {
  /** What each linked replica told last, the latest at the end; by the replica's url. */
  readonly #told = new Map<string, readonly CatalogWire[]>();
  #urls: ReadonlyMap<string, string> = new Map();

  /** Urls of the catalogs to be linked with, by id; at most `CATALOGS_MAX`. */
  get urls(): ReadonlyMap<string, string> {
    return this.#urls;
  }

  /** A replica told the set. */
  told(replica: string, items: readonly CatalogWire[]): void {
    this.#told.delete(replica);
    this.#told.set(replica, items);
    this.#merge();
  }

  /** The link to the replica closed. While none is linked, what is known stays. */
  forget(replica: string): void {
    if (this.#told.delete(replica) && this.#told.size > 0) this.#merge();
  }

  /** A catalog whose url nobody knows now is where it was: it may be cut off from the replicas alone. */
  #merge(): void {
    const urls = new Map<string, string>();
    for (const items of [...this.#told.values()].toReversed()) {
      for (const [id, url] of items) if (url !== null && !urls.has(id)) add(urls, id, url);
    }
    for (const items of this.#told.values()) {
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
