/**
 * Compares the survivors of a group that has lost its majority, and chooses the one from which a new cluster
 * loses least: the one with the highest (last term, last index), which would win an election (Raft, section
 * 5.4.1). All entries of its log count, because each of them may have been committed and acknowledged.
 */
import type { Membership } from '@trireme/raft';

/** What the data of a stopped replica contain. */
export interface Survivor {
  /** Path of its data folder. */
  readonly data: string;
  readonly cluster: string;
  /** Its member id. */
  readonly id: string;
  /** End of its log. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Log index of its book. Entries after it may not have been committed. */
  readonly applied: number;
  /** Whether the seed of its cluster is complete; before that there is nothing to recover. */
  readonly isSeeded: boolean;
  /** Number of orders, and running hash, once all entries of the log are applied. */
  readonly orders: number;
  readonly hash: string;
  /** The last configuration in its log. */
  readonly membership: Pick<Membership, 'voters' | 'outgoing'>;
  /** Term of the entry, and running hash after it, by log index from `applied` on. */
  readonly positions: ReadonlyMap<number, { readonly term: number; readonly hash: string }>;
}

export interface Comparison {
  /** Null without survivors. */
  readonly best: Survivor | null;
  /** Why the survivors do not belong together, in words. */
  readonly contradictions: readonly string[];
  /** Voters of the best one's configuration that are not among the survivors. */
  readonly lost: readonly string[];
  /** Whether the survivors are a majority, so that nothing is lost. */
  readonly isMajority: boolean;
}

export function compareSurvivors(survivors: readonly Survivor[]): Comparison {
  const [best = null] = survivors.toSorted(
    (a, b) => b.lastTerm - a.lastTerm || b.lastIndex - a.lastIndex || b.applied - a.applied,
  );
  if (best === null) return { best, contradictions: [], lost: [], isMajority: false };
  const contradictions = survivors.flatMap((one, i) =>
    survivors.slice(i + 1).flatMap((other) => contradictionOf(one, other) ?? []),
  );
  const ids = new Set(survivors.map(({ id }) => id));
  const { voters, outgoing } = best.membership;
  const isMajority = hasMajority(voters, ids) && (outgoing.length === 0 || hasMajority(outgoing, ids));
  const lost = [...new Set([...voters, ...outgoing])].filter((id) => !ids.has(id));
  return { best, contradictions, lost, isMajority };
}

function hasMajority(voters: readonly string[], ids: ReadonlySet<string>): boolean {
  return voters.filter((id) => ids.has(id)).length > voters.length / 2;
}

/**
 * Why two survivors do not belong together; null if they do. Logs may differ only after the last entry that has
 * the same term in both (Log Matching, section 5.3), so the books must be equal there.
 */
function contradictionOf(one: Survivor, other: Survivor): string | null {
  const both = `${one.data} and ${other.data}`;
  if (one.cluster !== other.cluster)
    return `${both} belong to different clusters, ${one.cluster} and ${other.cluster}`;
  if (one.id === other.id) return `${both} are both data of member ${one.id}: one of them is a copy`;
  for (const [index, { term, hash }] of one.positions) {
    const there = other.positions.get(index);
    if (there !== undefined && there.term === term && there.hash !== hash)
      return `${both} have different order books at log index ${index}, with hash ${hash} and ${there.hash}`;
  }
  return null;
}
