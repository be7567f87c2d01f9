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

/** Frames of one link that are held until the leader is ready for them; further ones are dropped, and asked again. */
const HELD_FRAMES_MAX = 64;

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
  /** It was told that this replica leads, which whoever leads does not have to say again. */
  isLed: boolean;
  /** What came since. */
  held: CatalogFrame[];
}

/** An open link, and which catalog is on it. */
export interface CatalogLinkView {
  readonly link: number;
  readonly id: string;
  readonly isLed: boolean;
}

export class CatalogLinks {
  readonly handler: LinkHandler;
  readonly #o: CatalogLinksOptions;
  readonly #links = new Map<number, OpenLink>();
  /** The term of a lead that has begun and is not ready for frames yet. */
  #beginning: number | null = null;

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

  get open(): readonly CatalogLinkView[] {
    return Array.from(this.#links.values(), ({ link, isLed }) => ({ link: link.id, id: link.peer, isLed }));
  }

  /**
   * This replica was elected. Catalogs are told at once, so that they attach while they still hold the authority of its
   * predecessor: then nobody waits for that to end. What they say is held until `ready`.
   */
  beginLead(term: number): void {
    if (this.#beginning === term) return;
    this.#beginning = term;
    for (const open of this.#links.values()) this.#lead(open, term);
  }

  /** The leader takes frames from now on: those that were held first. To be called with its session open. */
  ready(): void {
    this.#beginning = null;
    for (const open of this.#links.values()) {
      for (const frame of open.held.splice(0)) this.#hand(open.link, frame);
    }
  }

  /** This replica does not lead. */
  endLead(): void {
    this.#beginning = null;
    for (const open of this.#links.values()) {
      open.isLed = false;
      open.held = [];
    }
  }

  #lead(open: OpenLink, term: number): void {
    open.isLed = true;
    open.held = [];
    open.link.send({ t: 'lead', term });
  }

  #hand(link: Link, frame: CatalogFrame): void {
    try {
      this.#o.received(link.id, frame);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      link.close(error.message);
    }
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
    const open: OpenLink = { link, url: null, isLed: false, held: [] };
    this.#links.set(link.id, open);
    const members = this.#o.members();
    if (members !== null) link.send(members);
    if (this.#beginning === null) this.#o.opened(link.id, link.peer);
    else this.#lead(open, this.#beginning);
  }

  #received(link: Link, message: unknown): void {
    const frame = parseCatalogFrame(message);
    const open = this.#links.get(link.id);
    if (open === undefined) return;
    if (frame.t !== 'hello') {
      if (this.#beginning === null) this.#o.received(link.id, frame);
      else if (open.held.length < HELD_FRAMES_MAX) open.held.push(frame);
      return;
    }
    if (open.url !== null) throw new FormatError('a catalog said twice where it is');
    open.url = frame.url;
    this.#o.moved();
  }
}
