/** What one host lets in, as `iptables-restore` reads it. */

/** What becomes of packets from one address. */
export interface Block {
  /** IPv4 address of the sender. */
  readonly from: string;
  /** Of its packets, from 0 (none) to 1 (all). */
  readonly lost: number;
}

/**
 * The whole table, to be imposed at once in place of what there was.
 * @throws RangeError for a share outside 0 to 1, or an address that is none.
 */
export function packetFilter(blocks: readonly Block[]): string {
  const rules = blocks.filter(({ lost }) => lost !== 0).map(ruleOf);
  return ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...rules, 'COMMIT', ''].join('\n');
}

function ruleOf({ from, lost }: Block): string {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(from)) throw new RangeError(`${from} is no IPv4 address`);
  if (!(lost >= 0 && lost <= 1)) throw new RangeError(`a share of lost packets is from 0 to 1, not ${lost}`);
  const some = lost === 1 ? '' : ` -m statistic --mode random --probability ${lost.toFixed(4)}`;
  return `-A INPUT -s ${from}${some} -j DROP`;
}
