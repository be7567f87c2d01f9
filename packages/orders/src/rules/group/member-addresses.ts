/**
 * The addresses of members. The flags of this process give addresses of replicas, and the group's
 * configuration in the log gives addresses of members. Flags move a cluster, and keep a copy of a cluster
 * apart from the original, so a flag overrides the log when the two are first compared. An address that is
 * logged afterwards is newer than the flag and overrides it, also after a restart, until the flag changes.
 */
import { FormatError, expectList, expectObject, expectText } from '@trireme/domain';
import { formatAddress, parseAddress, type ReplicaAddress } from './addresses.js';
import { nameOfMember } from './member-ids.js';

/** The addresses of a replica in flag and log when they were first compared. */
interface Comparison {
  readonly flag: string;
  readonly logged: string;
}

/** By name of the replica. */
export type AddressComparisons = ReadonlyMap<string, Comparison>;

/** One line of JSON, such as `{"2":["http://host:8202","http://host:8202 http://host:8192"]}`. */
export function formatComparisons(comparisons: AddressComparisons): string {
  return JSON.stringify(
    Object.fromEntries([...comparisons].map(([name, { flag, logged }]) => [name, [flag, logged]])),
  );
}

/** Parses a line of `formatComparisons`. @throws FormatError if it is malformed. */
export function parseComparisons(line: string): AddressComparisons {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new FormatError('not JSON', { cause: error });
  }
  return new Map(
    Object.entries(expectObject(value, 'comparisons')).map(([name, pair]) => {
      const [flag, logged] = expectList(pair, name);
      return [name, { flag: expectText(flag, 'flag'), logged: expectText(logged, 'logged') }];
    }),
  );
}

export class MemberAddresses {
  readonly #flags: ReadonlyMap<string, ReplicaAddress>;
  /** At most one entry per flag. */
  readonly #comparisons = new Map<string, Comparison>();
  readonly #onCompared: (comparisons: AddressComparisons) => void;

  /**
   * @param flags addresses by name of the replica
   * @param earlier the comparisons last passed to `onCompared` by the previous process on this data folder
   * @param onCompared called with all comparisons when there is a new one
   */
  constructor(
    flags: ReadonlyMap<string, ReplicaAddress>,
    earlier: AddressComparisons = new Map(),
    onCompared: (comparisons: AddressComparisons) => void = () => undefined,
  ) {
    this.#flags = flags;
    this.#onCompared = onCompared;
    for (const [name, comparison] of earlier) if (flags.has(name)) this.#comparisons.set(name, comparison);
  }

  /** The addresses of the founders, for the log of a new group. */
  founders(members: readonly string[]): Map<string, string> {
    const addresses = new Map<string, string>();
    for (const id of members) {
      const address = this.#flags.get(id);
      if (address !== undefined) addresses.set(id, formatAddress(address));
    }
    return addresses;
  }

  /** Address of member `id`, for which the log has `logged`; null if neither is known. */
  resolve(id: string, logged: string): ReplicaAddress | null {
    const name = nameOfMember(id);
    const flag = this.#flags.get(name);
    const known = parseAddress(logged);
    if (flag === undefined || known === null) return flag ?? known;
    if (this.#comparison(name, formatAddress(flag), logged).logged !== logged) return known;
    // If the flag names another peer port, the replica has moved, and the logged internal URL is outdated too.
    return { ...flag, url: flag.url ?? (known.peerUrl === flag.peerUrl ? known.url : null) };
  }

  #comparison(name: string, flag: string, logged: string): Comparison {
    const before = this.#comparisons.get(name);
    if (before?.flag === flag) return before;
    const comparison = { flag, logged };
    this.#comparisons.set(name, comparison);
    this.#onCompared(this.#comparisons);
    return comparison;
  }
}
