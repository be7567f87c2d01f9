/**
 * Which replicas a front-end or a catalog is to be linked with. It begins with the list that it was started with, and goes on with what
 * the group says of itself, the latest. The first list is needed again where that leads nowhere: where a member never said
 * where it is, or none of them is linked, as when all were replaced while this process was cut off.
 */

export interface ReplicaAddress {
  readonly id: string;
  /** Base url of its internal port. */
  readonly url: string;
}

/** What a replica says of the group. */
interface Group {
  /** Of two the one with the higher index is the later one. */
  readonly index: number;
  readonly items: readonly (readonly [id: string, url: string | null])[];
}

export class Roster {
  readonly #seeds: readonly ReplicaAddress[];
  #group: Group | null = null;

  /** @param seeds the list that the process was started with */
  constructor(seeds: readonly ReplicaAddress[]) {
    this.#seeds = seeds;
  }

  /** A replica told who is in the group. Returns whether that is news. */
  heard(group: Group): boolean {
    if (this.#group !== null && group.index <= this.#group.index) return false;
    // A replica that waits to be let in knows of no group.
    if (group.items.length === 0) return false;
    this.#group = group;
    return true;
  }

  /**
   * Whom to be linked with, each url once.
   * @param isLinked whether a link to `url` is open
   */
  replicas(isLinked: (url: string) => boolean): ReplicaAddress[] {
    if (this.#group === null) return [...this.#seeds];
    const known: ReplicaAddress[] = [];
    for (const [id, url] of this.#group.items) if (url !== null) known.push({ id, url });
    const isEnough = known.length === this.#group.items.length && known.some(({ url }) => isLinked(url));
    const byUrl = new Map((isEnough ? [] : this.#seeds).map((replica) => [replica.url, replica]));
    for (const replica of known) byUrl.set(replica.url, replica);
    return [...byUrl.values()];
  }
}
