/** The running hash of the log. It is equal at all replicas and catalogs that applied the same entries. */
import { createHash } from 'node:crypto';
import { outcomeToWire, pack, type Outcome } from '@trireme/domain';

/** The hash before the first entry. */
export const EMPTY_HASH = '0'.repeat(64);

/**
 * The hash after one more batch: SHA-256 of the previous hash, the encoded batch and its outcomes.
 * @param hash the previous hash, 64 hex digits
 */
export function nextHash(hash: string, batch: Uint8Array, outcomes: readonly Outcome[]): string {
  return createHash('sha256')
    .update(Buffer.from(hash, 'hex'))
    .update(batch)
    .update(pack(outcomes.map(outcomeToWire)))
    .digest('hex');
}
