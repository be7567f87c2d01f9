/** Links to the order replicas, which are opened and closed when the members of the group change. */
import type { LINK_PATHS } from '@trireme/domain';
import type { Log } from '../log.js';
import type { LinkIdentity } from './handshake.js';
import { ReplicaSet, type ReplicaAddress } from '../rules/replica-set.js';
import { createSocketDialer, type Dialer, type CreateDialer } from './dialer.js';
import type { Link, LinkHandler } from './link.js';

interface ReplicaLinksOptions {
  /** The kind of link. */
  readonly path: (typeof LINK_PATHS)['frontendToReplica' | 'catalogToReplica'];
  /** Initial addresses; the group then sends its current members. */
  readonly initialReplicas: readonly ReplicaAddress[];
  readonly identity: LinkIdentity;
  /** Opens links over sockets unless given. */
  readonly createDialer?: CreateDialer | undefined;
  readonly log: Log;
  /** Creates the handler of the links to the replica at a URL. */
  readonly createHandler: (url: string) => LinkHandler;
  /** Called with the URL of a replica that gets no link any more. */
  readonly onRemoved: (url: string) => void;
}

/** One link to each replica of the group. */
export class ReplicaLinks {
  readonly #options: ReplicaLinksOptions;
  readonly #set: ReplicaSet;
  /** By URL: at most one for each member and each initial address. */
  readonly #dialers = new Map<string, Dialer>();
  readonly #open = new Map<string, Link>();
  readonly #stopping = new Set<Promise<void>>();
  #isRunning = false;

  constructor(options: ReplicaLinksOptions) {
    this.#options = options;
    this.#set = new ReplicaSet(options.initialReplicas);
  }

  /** Opens links to the initial replicas. */
  start(): void {
    this.#isRunning = true;
    this.#reconcile();
  }

  /** Closes all links. Resolves after their handlers were notified. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    for (const url of [...this.#dialers.keys()]) this.#close(url);
    await Promise.all(this.#stopping);
  }

  /** URLs of the replicas with an open link. */
  get openUrls(): string[] {
    return [...this.#open.keys()];
  }

  /** The open link to the replica at a URL; null if there is none. */
  get(url: string): Link | null {
    return this.#open.get(url) ?? null;
  }

  /** The replicas that should have a link, whether it is open or not. */
  get replicas(): readonly ReplicaAddress[] {
    return this.#set.replicas((url) => this.#open.has(url));
  }

  /** Handles the members of the group, as a replica sent them. */
  onMembership(index: number, items: readonly (readonly [id: string, url: string | null])[]): void {
    if (!this.#set.onMembership({ index, items })) return;
    this.#options.log.info({ index, members: items }, 'members of the group changed');
    this.#reconcile();
  }

  #reconcile(): void {
    if (!this.#isRunning) return;
    const urls = new Set(this.replicas.map(({ url }) => url));
    for (const url of [...this.#dialers.keys()]) if (!urls.has(url)) this.#close(url);
    for (const url of urls) if (!this.#dialers.has(url)) this.#dial(url);
  }

  #dial(url: string): void {
    const { path, identity, log, createDialer = createSocketDialer } = this.#options;
    const handler = this.#options.createHandler(url);
    const dialer = createDialer({
      url,
      path,
      serverRole: 'replica',
      identity,
      log,
      handler: {
        onOpen: (link) => {
          this.#open.set(url, link);
          handler.onOpen(link);
          this.#reconcile();
        },
        onMessage: (link, message) => handler.onMessage(link, message),
        onClose: (link, reason) => {
          // If the replica was removed and added again, a newer link may be open already.
          if (this.#open.get(url) === link) this.#open.delete(url);
          handler.onClose(link, reason);
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
    this.#options.onRemoved(url);
    const stopped: Promise<void> = dialer.stop().then(() => void this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }
}
