/**
 * Where members are reached: the flags of this process name replicas, and the group's configuration in the log names
 * members. A cluster is moved by its flags, and a copy of one is kept from the original by them, so that a flag wins over
 * what the log remembers. An address that the group is given while this process runs is newer than its flags, and wins.
 */
import { formatAddress, parseAddress, type ReplicaAddress } from './addresses.js';
import { nameOfMember } from './member-ids.js';

export class MemberAddresses {
  readonly #flags: ReadonlyMap<string, ReplicaAddress>;
  /** What the log said of each replica of the flags at first. As many as there are flags. */
  readonly #remembered = new Map<string, string>();

  /** @param flags by the replica's name */
  constructor(flags: ReadonlyMap<string, ReplicaAddress>) {
    this.#flags = flags;
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
    const remembered = this.#remembered.get(name) ?? logged;
    this.#remembered.set(name, remembered);
    if (logged !== remembered) return known;
    // A flag that names another peer port says that the replica has moved: its other port has moved as well.
    return { ...flag, url: flag.url ?? (known.peerUrl === flag.peerUrl ? known.url : null) };
  }
}
