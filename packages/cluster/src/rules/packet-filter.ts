/** Builds the input filter of one host for `iptables-restore`. */

/** Packet loss from one address. */
export interface PacketLoss {
  /** IPv4 address of the sender. */
  readonly from: string;
  /** Share of its packets to drop, from 0 (none) to 1 (all). */
  readonly lost: number;
}

/**
 * Text of the whole table, which replaces the present one.
 * @throws RangeError for a share outside 0 to 1, or an invalid address.
 */
export function iptablesRules(blocks: readonly PacketLoss[]): string {
  const rules = blocks.filter(({ lost }) => lost !== 0).map(ruleOf);
  return ['*filter', ':INPUT ACCEPT', ':FORWARD ACCEPT', ':OUTPUT ACCEPT', ...rules, 'COMMIT', ''].join('\n');
}

function ruleOf({ from, lost }: PacketLoss): string {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(from)) throw new RangeError(`invalid IPv4 address: ${from}`);
  if (!(lost >= 0 && lost <= 1))
    throw new RangeError(`the share of lost packets must be from 0 to 1, not ${lost}`);
  const some = lost === 1 ? '' : ` -m statistic --mode random --probability ${lost.toFixed(4)}`;
  return `-A INPUT -s ${from}${some} -j DROP`;
}
