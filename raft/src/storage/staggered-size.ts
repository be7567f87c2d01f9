/**
 * Staggered sizes, so that the members of a group do not all run expensive background work at the same time.
 */
import type { NodeId } from '../core/types.js';

const STEPS = 4;

/**
 * A constant size for the member `id`: `leastBytes` plus zero to three times `stepBytes`. Four members with
 * consecutive numbers as ids get four different sizes. All members write the same data; with equal sizes all
 * would start work that depends on the amount written, such as LevelDB's compactions, at the same time, and
 * commits would stall.
 */
export function staggeredSize(id: NodeId, leastBytes: number, stepBytes: number): number {
  // Interprets the id as a decimal number, so that 9 and 10 are consecutive.
  const step = Buffer.from(id).reduce((sum, byte) => (sum * 10 + byte) % STEPS, 0);
  return leastBytes + step * stepBytes;
}
