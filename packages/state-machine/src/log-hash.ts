/** The running hash: replicas and catalogs that applied the same entries have the same one. */
import { createHash } from 'node:crypto';
import { outcomeToWire, pack, type Outcome } from '@trireme/domain';

/** The hash before the first entry. */
export const EMPTY_HASH = '0'.repeat(64);

/**
 * The hash after one more batch: SHA-256 over the hash before, the batch as the log has it, and what was decided of it.
 * @param hash 64 hex digits
 */
export function nextHash(hash: string, batch: Uint8Array, outcomes: readonly Outcome[]): string {
  return createHash('sha256')
    .update(Buffer.from(hash, 'hex'))
    .update(batch)
    .update(pack(outcomes.map(outcomeToWire)))
    .digest('hex');
}
