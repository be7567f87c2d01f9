/** Faults between hosts: lost packets. Each change is noted in the timeline once it is in effect. */
import type { HostNetwork } from '@trireme/cluster';

export class HostFaults {
  readonly #network: HostNetwork;
  readonly #note: (what: string) => void;

  constructor(network: HostNetwork, note: (what: string) => void) {
    this.#network = network;
    this.#note = note;
  }

  /** Drops all packets between the two sets of hosts, in both directions. */
  async cut(one: readonly string[], other: readonly string[]): Promise<void> {
    await this.#network.partition(one, other);
    this.#note(`drop all packets between ${one.join(', ')} and ${other.join(', ')}`);
  }

  /**
   * Drops all packets from `from` to `to`, and therefore also TCP acknowledgements of packets in the other
   * direction.
   */
  async cutOneWay(from: readonly string[], to: readonly string[]): Promise<void> {
    await this.#network.partitionOneWay(from, to);
    this.#note(`drop all packets from ${from.join(', ')} to ${to.join(', ')}`);
  }

  /** Drops a share of the packets from `from` to `to`. @param share from 0 to 1 */
  async dropPackets(from: readonly string[], to: readonly string[], share: number): Promise<void> {
    await this.#network.dropPackets(from, to, share);
    this.#note(`drop ${share * 100}% of the packets from ${from.join(', ')} to ${to.join(', ')}`);
  }

  async heal(): Promise<void> {
    await this.#network.heal();
    this.#note('heal the network between all hosts');
  }
}
