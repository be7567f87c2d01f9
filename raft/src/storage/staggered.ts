/** Sizes at which members of a group do what costs them much, such that not all do it at the same moment. */
import type { NodeId } from '../core/types.js';

const STEPS = 4;

/**
 * A size for the member `id`: `leastBytes` and up to three times `stepBytes` more; the same at any time, and another one for
 * each of four members whose ids count up. Members write the same, so what each does whenever so much was written, such
 * as LevelDB's merging of tables, all would do together, and nothing would be committed meanwhile.
 */
export function staggeredBytes(id: NodeId, leastBytes: number, stepBytes: number): number {
  // As in a decimal number, so that 10 follows on 9.
  const step = Buffer.from(id).reduce((sum, byte) => (sum * 10 + byte) % STEPS, 0);
  return leastBytes + step * stepBytes;
}
