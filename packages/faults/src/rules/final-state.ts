/** Checks of the state after a run, when all faults are healed: equal books and hashes, and conserved stock. */
import type { BookRow } from './exported-book.js';
import { deltaOf } from './history.js';
import { checkResult, type CheckResult } from './check-result.js';

/** State of one replica after the run. */
export interface ReplicaFinalState {
  readonly name: string;
  /** The exported book. */
  readonly book: string;
  readonly applied: number;
  /** The running hash. */
  readonly hash: string;
}

/** Checks that all books are equal byte by byte, and hashes at the same applied index are equal. */
export function checkReplicas(replicas: readonly ReplicaFinalState[]): CheckResult {
  const problems: string[] = [];
  const [first] = replicas;
  if (first === undefined) problems.push('no replica returned its order book');
  for (const { name, book } of replicas.slice(1)) {
    if (first !== undefined && book !== first.book) {
      problems.push(
        `the book of ${name} differs from that of ${first.name} ${whereDiffers(book, first.book)}`,
      );
    }
  }
  const hashes = new Map<number, ReplicaFinalState>();
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
  return checkResult('equal replicas', `${replicas.length} replicas`, problems);
}

function whereDiffers(a: string, b: string): string {
  const [left, right] = [a.split('\n'), b.split('\n')];
  const line = left.findIndex((text, i) => text !== right[i]);
  const at = line < 0 ? left.length : line;
  return `at line ${at + 1}: ${JSON.stringify(left[at] ?? null)} and ${JSON.stringify(right[at] ?? null)}`;
}

/** Quantity of a stock after the run, as one front-end returned it. */
export interface FinalQuantity {
  readonly stock: string;
  readonly quantity: number;
  /** Name of the front-end. */
  readonly source: string;
}

/**
 * Checks for each stock that initial quantity + sells - buys = final quantity, and that the quantity was
 * never negative in the sequence of the book, which is that of the log.
 */
export function checkConservation(
  initial: ReadonlyMap<string, number>,
  book: readonly BookRow[],
  final: readonly FinalQuantity[],
): CheckResult {
  const problems: string[] = [];
  const quantities = new Map(initial);
  for (const row of book) {
    const before = quantities.get(row.stock);
    if (before === undefined) {
      problems.push(`order ${row.number} is for the unknown stock ${row.stock}`);
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
        `${source} returned quantity ${quantity} for ${stock}, but the book results in ${expected ?? 'an unknown quantity'}`,
      );
    }
  }
  for (const stock of initial.keys()) {
    if (!final.some((quantity) => quantity.stock === stock))
      problems.push(`no front-end returned a quantity for ${stock}`);
  }
  return checkResult('conserved stock', `${initial.size} stocks, ${book.length} orders`, problems);
}
