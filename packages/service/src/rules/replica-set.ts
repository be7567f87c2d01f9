/**
 * The replicas to which a front-end or a catalog keeps links: first those of its start options, then the members that
 * the group reports. The start options are used in addition if a member has no known URL or no member has an open link,
 * for example if all members were replaced while this process was disconnected.
 */

/** A replica and where to reach it. */
export interface ReplicaAddress {
  readonly id: string;
  /** Base URL of its internal port. */
  readonly url: string;
}

/** The members of the group, as a replica reports them. */
interface Membership {
  /** Log index of the membership: a higher one is newer. */
  readonly index: number;
  readonly items: readonly (readonly [id: string, url: string | null])[];
}

/** Decides to which replicas a process keeps links. */
export class ReplicaSet {
  readonly #seeds: readonly ReplicaAddress[];
  #membership: Membership | null = null;

  /** @param seeds the replicas of the start options */
  constructor(seeds: readonly ReplicaAddress[]) {
    this.#seeds = seeds;
  }

  /** Handles a membership that a replica reported. Returns whether it is newer than the known one. */
  onMembership(membership: Membership): boolean {
    if (this.#membership !== null && membership.index <= this.#membership.index) return false;
    // A replica that is not a member yet does not know the membership.
    if (membership.items.length === 0) return false;
    this.#membership = membership;
    return true;
  }

  /**
   * The replicas to keep links to, each URL once.
   * @param isLinked whether the link to `url` is open
   */
  replicas(isLinked: (url: string) => boolean): ReplicaAddress[] {
    if (this.#membership === null) return [...this.#seeds];
    const known: ReplicaAddress[] = [];
    const { items } = this.#membership;
    for (const [id, url] of items) if (url !== null) known.push({ id, url });
    const isEnough = known.length === items.length && known.some(({ url }) => isLinked(url));
    const byUrl = new Map((isEnough ? [] : this.#seeds).map((replica) => [replica.url, replica]));
    for (const replica of known) byUrl.set(replica.url, replica);
    return [...byUrl.values()];
  }
}
