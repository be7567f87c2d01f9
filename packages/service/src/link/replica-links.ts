/** Links to the order replicas, opened and closed as the group changes. */
import type { LINK_PATHS } from '@trireme/domain';
import type { Log } from '../log.js';
import type { LinkIdentity } from '../rules/handshake.js';
import { Roster, type ReplicaAddress } from '../rules/roster.js';
import { DIAL_SOCKETS, type Dialer, type MakeDialer } from './dialer.js';
import type { Link, LinkHandler } from './link.js';

interface ReplicaLinksOptions {
  /** The kind of link. */
  readonly path: (typeof LINK_PATHS)['frontendToReplica' | 'catalogToReplica'];
  /** Where to begin; the group itself then says where it is. */
  readonly seeds: readonly ReplicaAddress[];
  readonly identity: LinkIdentity;
  /** Over sockets unless set. */
  readonly dial?: MakeDialer;
  readonly log: Log;
  /** Makes what is told of the links to a replica, known by its url. */
  readonly handler: (url: string) => LinkHandler;
  /** Called with the url of a replica that is to be linked with no more. */
  readonly left: (url: string) => void;
}

export class ReplicaLinks {
  readonly #o: ReplicaLinksOptions;
  readonly #roster: Roster;
  /** By url. As many as the group has members, and there are seeds. */
  readonly #dialers = new Map<string, Dialer>();
  readonly #open = new Map<string, Link>();
  readonly #stopping = new Set<Promise<void>>();
  #isRunning = false;

  constructor(options: ReplicaLinksOptions) {
    this.#o = options;
    this.#roster = new Roster(options.seeds);
  }

  start(): void {
    this.#isRunning = true;
    this.#reconcile();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    for (const url of [...this.#dialers.keys()]) this.#close(url);
    await Promise.all(this.#stopping);
  }

  /** Urls of the replicas with an open link. */
  get urls(): string[] {
    return [...this.#open.keys()];
  }

  /** The open link to a replica, or null. */
  get(url: string): Link | null {
    return this.#open.get(url) ?? null;
  }

  /** Whom to be linked with, linked or not. */
  get replicas(): readonly ReplicaAddress[] {
    return this.#roster.replicas((url) => this.#open.has(url));
  }

  /** A replica told who is in the group. */
  regrouped(index: number, items: readonly (readonly [id: string, url: string | null])[]): void {
    if (!this.#roster.heard({ index, items })) return;
    this.#o.log.info({ index, members: items }, 'the group of replicas');
    this.#reconcile();
  }

  #reconcile(): void {
    if (!this.#isRunning) return;
    const urls = new Set(this.replicas.map(({ url }) => url));
    for (const url of [...this.#dialers.keys()]) if (!urls.has(url)) this.#close(url);
    for (const url of urls) if (!this.#dialers.has(url)) this.#dial(url);
  }

  #dial(url: string): void {
    const { path, identity, log, dial = DIAL_SOCKETS } = this.#o;
    const handler = this.#o.handler(url);
    const dialer = dial({
      ...{ url, path, expects: 'replica', identity, log },
      handler: {
        opened: (link) => {
          this.#open.set(url, link);
          handler.opened(link);
          this.#reconcile();
        },
        message: (link, message) => handler.message(link, message),
        closed: (link, reason) => {
          // Where the replica has come back into the list meanwhile, another link may be open already.
          if (this.#open.get(url) === link) this.#open.delete(url);
          handler.closed(link, reason);
          this.#reconcile();
        },
      },
    });
    this.#dialers.set(url, dialer);
    dialer.start();
  }

  #close(url: string): void {
    const dialer = this.#dialers.get(url);
    if (dialer === undefined) return;
    this.#dialers.delete(url);
    this.#o.left(url);
    const stopped: Promise<void> = dialer.stop().then(() => void this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }
}
