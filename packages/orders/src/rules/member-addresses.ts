/**
 * Where members are reached: the flags of this process name replicas, and the group's configuration in the log names
 * members. A cluster is moved by its flags, and a copy of one is kept from the original by them, so that a flag wins over
 * what the log says when the two are first compared. An address that the group is given afterwards is newer than the flag,
 * and wins, after a restart too, until the flag changes.
 */
import { FormatError, asList, asObject, asText } from '@trireme/domain';
import { formatAddress, parseAddress, type ReplicaAddress } from './addresses.js';
import { nameOfMember } from './member-ids.js';

/** What the flag of a replica said, and the log, when the two were first compared. */
interface Comparison {
  readonly flag: string;
  readonly logged: string;
}

/** By the replica's name. */
export type Comparisons = ReadonlyMap<string, Comparison>;

/** One line of JSON, such as `{"2":["http://host:8202","http://host:8202 http://host:8192"]}`. */
export function formatComparisons(comparisons: Comparisons): string {
  return JSON.stringify(
    Object.fromEntries([...comparisons].map(([name, { flag, logged }]) => [name, [flag, logged]])),
  );
}

/** Reads what `formatComparisons` made. @throws FormatError if it is anything else. */
export function parseComparisons(line: string): Comparisons {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new FormatError('not JSON', { cause: error });
  }
  return new Map(
    Object.entries(asObject(value, 'comparisons')).map(([name, pair]) => {
      const [flag, logged] = asList(pair, name);
      return [name, { flag: asText(flag, 'flag'), logged: asText(logged, 'logged') }];
    }),
  );
}

export class MemberAddresses {
  readonly #flags: ReadonlyMap<string, ReplicaAddress>;
  /** As many as there are flags, at most. */
  readonly #comparisons = new Map<string, Comparison>();
  readonly #onCompared: (comparisons: Comparisons) => void;

  /**
   * @param flags by the replica's name
   * @param earlier what `onCompared` was told last by the process before, on the same data folder
   * @param onCompared told of all comparisons when one is new
   */
  constructor(
    flags: ReadonlyMap<string, ReplicaAddress>,
    earlier: Comparisons = new Map(),
    onCompared: (comparisons: Comparisons) => void = () => undefined,
  ) {
    this.#flags = flags;
    this.#onCompared = onCompared;
    for (const [name, comparison] of earlier) if (flags.has(name)) this.#comparisons.set(name, comparison);
  }

  /** What the log of a new group says of its members at first. */
  founders(members: readonly string[]): Map<string, string> {
    const addresses = new Map<string, string>();
    for (const id of members) {
      const address = this.#flags.get(id);
      if (address !== undefined) addresses.set(id, formatAddress(address));
    }
    return addresses;
  }

  /** Where member `id` is reached, of which the log says `logged`; null if nothing is known. */
  resolve(id: string, logged: string): ReplicaAddress | null {
    const name = nameOfMember(id);
    const flag = this.#flags.get(name);
    const known = parseAddress(logged);
    if (flag === undefined || known === null) return flag ?? known;
    if (this.#comparison(name, formatAddress(flag), logged).logged !== logged) return known;
    // A flag that names another peer port says that the replica has moved: its other port has moved as well.
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
