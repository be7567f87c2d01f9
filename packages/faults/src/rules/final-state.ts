/** What must hold when a run is over and every fault is healed: equal books and hashes, and stock that adds up. */
import type { BookRow } from './book.js';
import { deltaOf } from './history.js';
import { verdict, type Verdict } from './verdict.js';

/** What one replica told of itself. */
export interface ReplicaState {
  readonly name: string;
  /** The exported book. */
  readonly book: string;
  readonly applied: number;
  /** The running hash. */
  readonly hash: string;
}

/** All books are equal byte by byte, and hashes of the same applied index are equal. */
export function checkReplicas(replicas: readonly ReplicaState[]): Verdict {
  const problems: string[] = [];
  const [first] = replicas;
  if (first === undefined) problems.push('no replica told its book');
  for (const { name, book } of replicas.slice(1)) {
    if (first !== undefined && book !== first.book) {
      problems.push(
        `the book of ${name} differs from that of ${first.name} ${whereDiffers(book, first.book)}`,
      );
    }
  }
  const hashes = new Map<number, ReplicaState>();
  for (const replica of replicas) {
    const other = hashes.get(replica.applied);
    if (other !== undefined && other.hash !== replica.hash) {
      problems.push(
        `at applied index ${replica.applied}, ${replica.name} and ${other.name} have different hashes`,
      );
    }
    hashes.set(replica.applied, replica);
  }
  if (hashes.size > 1) problems.push(`applied indexes differ: ${[...hashes.keys()].join(', ')}`);
  return verdict('equal replicas', `${replicas.length} replicas`, problems);
}

function whereDiffers(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const line = left.findIndex((text, i) => text !== right[i]);
  const at = line < 0 ? left.length : line;
  return `at line ${at + 1}: ${JSON.stringify(left[at] ?? null)} and ${JSON.stringify(right[at] ?? null)}`;
}

/** A stock's quantity as one front-end told it after the run. */
export interface FinalQuantity {
  readonly stock: string;
  readonly quantity: number;
  /** Who told it. */
  readonly source: string;
}

/**
 * For each stock: what there was, and what was sold and bought, is what there is; and in the order of the book, which is that of
 * the log, it was never below zero.
 */
export function checkConservation(
  initial: ReadonlyMap<string, number>,
  book: readonly BookRow[],
  final: readonly FinalQuantity[],
): Verdict {
  const problems: string[] = [];
  const quantities = new Map(initial);
  for (const row of book) {
    const before = quantities.get(row.stock);
    if (before === undefined) {
      problems.push(`order ${row.number} is for ${row.stock}, of which nobody knows`);
      continue;
    }
    const after = before + deltaOf(row);
    if (after < 0) problems.push(`order ${row.number} takes ${row.stock} from ${before} to ${after}`);
    quantities.set(row.stock, after);
  }
  for (const { stock, quantity, source } of final) {
    const expected = quantities.get(stock);
    if (expected !== quantity) {
      problems.push(
        `${source} tells ${quantity} ${stock}; by the book there are ${expected ?? 'none known'}`,
      );
    }
  }
  for (const stock of initial.keys()) {
    if (!final.some((told) => told.stock === stock)) problems.push(`nobody told how much ${stock} there is`);
  }
  return verdict('conserved stock', `${initial.size} stocks, ${book.length} orders`, problems);
}
