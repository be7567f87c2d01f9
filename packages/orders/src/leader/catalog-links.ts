/** The links that catalogs keep open to this replica, and the URL of each catalog. */
import {
  FormatError,
  isCatalogId,
  type CatalogWire,
  type MembershipFrame,
  type ReplicaToCatalog,
} from '@trireme/domain';
import type { Link, LinkHandler } from '@trireme/service';
import { parseCatalogFrame, type CatalogFrame } from '../rules/frames.js';

/**
 * Maximum number of links: one per catalog, plus those of replaced processes that have not closed theirs yet.
 */
export const CATALOG_LINKS_MAX = 64;

/**
 * Frames held per link until the leader session is open; further ones are dropped, and the catalog sends them
 * again.
 */
const HELD_FRAMES_MAX = 64;

interface CatalogLinksOptions {
  /** The first frame for a new link: the members of the group. Null while they are not known. */
  readonly members: () => MembershipFrame | null;
  readonly onOpen: (link: number, id: string) => void;
  /** A frame was received. A thrown `FormatError` closes the link. */
  readonly onFrame: (link: number, frame: CatalogFrame) => void;
  readonly onClose: (link: number) => void;
  /** The URL of a catalog has changed. */
  readonly onUrlChange: () => void;
}

interface OpenLink {
  readonly link: Link;
  /** Null until the catalog has sent it. */
  url: string | null;
  /** Whether this replica was announced as leader, so that the session need not announce it again. */
  isLeaderAnnounced: boolean;
  /** Frames received since. */
  held: CatalogFrame[];
}

/** An open link and the id of its catalog. */
export interface CatalogLinkView {
  readonly link: number;
  readonly id: string;
  readonly isLeaderAnnounced: boolean;
}

export class CatalogLinks {
  readonly handler: LinkHandler;
  readonly #options: CatalogLinksOptions;
  readonly #links = new Map<number, OpenLink>();
  /** Term in which this replica was elected while its session is not open yet; null otherwise. */
  #pendingTerm: number | null = null;

  constructor(options: CatalogLinksOptions) {
    this.#options = options;
    this.handler = {
      onOpen: (link) => this.#onOpen(link),
      onMessage: (link, message) => this.#onMessage(link, message),
      onClose: (link) => {
        this.#links.delete(link.id);
        options.onClose(link.id);
        options.onUrlChange();
      },
    };
  }

  get links(): readonly CatalogLinkView[] {
    return Array.from(this.#links.values(), ({ link, isLeaderAnnounced }) => ({
      link: link.id,
      id: link.peer,
      isLeaderAnnounced,
    }));
  }

  /**
   * This replica was elected in `term`. Catalogs are notified at once, so that they attach while they still
   * hold authority granted by the predecessor; then the new leader need not wait for that authority to end.
   * Their frames are held until `ready`.
   */
  onElected(term: number): void {
    if (this.#pendingTerm === term) return;
    this.#pendingTerm = term;
    for (const open of this.#links.values()) this.#announceLeader(open, term);
  }

  /** The leader session is open: delivers the held frames, and frames that arrive later directly. */
  onSessionOpened(): void {
    this.#pendingTerm = null;
    for (const open of this.#links.values()) {
      for (const frame of open.held.splice(0)) this.#deliver(open.link, frame);
    }
  }

  /** This replica no longer leads. */
  onLeadershipLost(): void {
    this.#pendingTerm = null;
    for (const open of this.#links.values()) {
      open.isLeaderAnnounced = false;
      open.held = [];
    }
  }

  #announceLeader(open: OpenLink, term: number): void {
    open.isLeaderAnnounced = true;
    open.held = [];
    open.link.send({ t: 'lead', term });
  }

  #deliver(link: Link, frame: CatalogFrame): void {
    try {
      this.#options.onFrame(link.id, frame);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      link.close(error.message);
    }
  }

  send(link: number, frame: ReplicaToCatalog): void {
    this.#links.get(link)?.link.send(frame);
  }

  broadcast(frame: ReplicaToCatalog): void {
    for (const { link } of this.#links.values()) link.send(frame);
  }

  /** URL of catalog `id`, from the link that it opened last; null if none is open. */
  urlOf(id: string): string | null {
    let url: string | null = null;
    for (const open of this.#links.values()) if (open.link.peer === id && open.url !== null) ({ url } = open);
    return url;
  }

  /** The catalogs with these ids and the URL of each. */
  toWire(ids: readonly string[]): readonly CatalogWire[] {
    return ids.map((id) => [id, this.urlOf(id)]);
  }

  #onOpen(link: Link): void {
    if (!isCatalogId(link.peer)) {
      link.close('the name of this process is not a valid catalog id');
      return;
    }
    const open: OpenLink = { link, url: null, isLeaderAnnounced: false, held: [] };
    this.#links.set(link.id, open);
    const members = this.#options.members();
    if (members !== null) link.send(members);
    if (this.#pendingTerm === null) this.#options.onOpen(link.id, link.peer);
    else this.#announceLeader(open, this.#pendingTerm);
  }

  #onMessage(link: Link, message: unknown): void {
    const frame = parseCatalogFrame(message);
    const open = this.#links.get(link.id);
    if (open === undefined) return;
    if (frame.t !== 'hello') {
      if (this.#pendingTerm === null) this.#options.onFrame(link.id, frame);
      else if (open.held.length < HELD_FRAMES_MAX) open.held.push(frame);
      return;
    }
    if (open.url !== null) throw new FormatError('the catalog sent its URL twice');
    open.url = frame.url;
    this.#options.onUrlChange();
  }
}
