/** What goes wrong between hosts: packets that get lost, each change noted once it is so. */
import type { HostNetwork } from '@trireme/cluster';

export class HostFaults {
  readonly #network: HostNetwork;
  readonly #note: (what: string) => void;

  constructor(network: HostNetwork, note: (what: string) => void) {
    this.#network = network;
    this.#note = note;
  }

  /** Cuts hosts off from others, both ways. */
  async cut(one: readonly string[], other: readonly string[]): Promise<void> {
    await this.#network.cut(one, other);
    this.#note(`no packet gets from ${one.join(', ')} to ${other.join(', ')}, nor back`);
  }

  /** What `from` sends does not reach `to`; the other way it does, and no acknowledgement of it. */
  async cutOneWay(from: readonly string[], to: readonly string[]): Promise<void> {
    await this.#network.cutOneWay(from, to);
    this.#note(`no packet gets from ${from.join(', ')} to ${to.join(', ')}`);
  }

  /** A share of the packets of `from` to `to` is lost, from 0 to 1. */
  async lose(from: readonly string[], to: readonly string[], share: number): Promise<void> {
    await this.#network.lose(from, to, share);
    this.#note(`of the packets from ${from.join(', ')} to ${to.join(', ')} ${share * 100} % get lost`);
  }

  async heal(): Promise<void> {
    await this.#network.heal();
    this.#note('every packet gets through');
  }
}
