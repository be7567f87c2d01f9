/** The links that catalogs keep open to this replica, and where each of them is. */
import {
  FormatError,
  isCatalogId,
  type CatalogWire,
  type MembersFrame,
  type ReplicaToCatalog,
} from '@trireme/domain';
import type { Link, LinkHandler } from '@trireme/service';
import { parseCatalogFrame, type CatalogFrame } from './rules/frames.js';

/** Links at most: each catalog's, and those of processes that were replaced and do not know yet. */
export const CATALOG_LINKS_MAX = 64;

interface CatalogLinksOptions {
  /** What a catalog is told first: who is in the group. Null while that is not known. */
  readonly members: () => MembersFrame | null;
  readonly opened: (link: number, id: string) => void;
  /** A frame came. A throw of `FormatError` closes the link. */
  readonly received: (link: number, frame: CatalogFrame) => void;
  readonly closed: (link: number) => void;
  /** Where catalogs are reached has changed. */
  readonly moved: () => void;
}

interface OpenLink {
  readonly link: Link;
  /** Null before the catalog has told it. */
  url: string | null;
}

export class CatalogLinks {
  readonly handler: LinkHandler;
  readonly #o: CatalogLinksOptions;
  readonly #links = new Map<number, OpenLink>();

  constructor(options: CatalogLinksOptions) {
    this.#o = options;
    this.handler = {
      opened: (link) => this.#opened(link),
      message: (link, message) => this.#received(link, message),
      closed: (link) => {
        this.#links.delete(link.id);
        options.closed(link.id);
        options.moved();
      },
    };
  }

  /** The open links, and which catalog is on each. */
  get open(): readonly (readonly [link: number, id: string])[] {
    return Array.from(this.#links, ([link, open]) => [link, open.link.peer]);
  }

  send(link: number, frame: ReplicaToCatalog): void {
    this.#links.get(link)?.link.send(frame);
  }

  sendToAll(frame: ReplicaToCatalog): void {
    for (const { link } of this.#links.values()) link.send(frame);
  }

  /** Url of catalog `id`, by the link that it opened last; null if none is open. */
  urlOf(id: string): string | null {
    let url: string | null = null;
    for (const one of this.#links.values()) if (one.link.peer === id && one.url !== null) ({ url } = one);
    return url;
  }

  /** The catalogs with these ids, and where each is. */
  wires(ids: readonly string[]): readonly CatalogWire[] {
    return ids.map((id) => [id, this.urlOf(id)]);
  }

  #opened(link: Link): void {
    if (!isCatalogId(link.peer)) {
      link.close('the name of this process is not the id of a catalog');
      return;
    }
    this.#links.set(link.id, { link, url: null });
    const members = this.#o.members();
    if (members !== null) link.send(members);
    this.#o.opened(link.id, link.peer);
  }

  #received(link: Link, message: unknown): void {
    const frame = parseCatalogFrame(message);
    const open = this.#links.get(link.id);
    if (open === undefined) return;
    if (frame.t !== 'hello') {
      this.#o.received(link.id, frame);
      return;
    }
    if (open.url !== null) throw new FormatError('a catalog said twice where it is');
    open.url = frame.url;
    this.#o.moved();
  }
}
