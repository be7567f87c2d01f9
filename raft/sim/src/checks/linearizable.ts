/**
 * Linearizability of the operations on one key: each operation must take effect at one moment between its call
 * and its response (Herlihy and Wing 1990). A depth-first search over the orders that real time allows, with a
 * cache of visited states, each a set of completed operations and a value (Wing and Gong 1993; Lowe 2017).
 */
import type { Operation } from './history.js';

/** Value of a key before the first write. */
const INITIAL = 0;
/** Maximum number of steps of a search. */
const STEPS_MAX = 2_000_000;

export type LinearizabilityResult = 'linearizable' | 'not linearizable' | 'gave up';

/** The value after the operation; undefined if its result is impossible for a key with value `before`. */
function effect(operation: Operation, before: number): number | undefined {
  const { kind, value, result, returned } = operation;
  if (kind === 'get') return result === before ? before : undefined;
  const after = kind === 'put' ? value : before + value;
  return returned === Infinity || after === result ? after : undefined;
}

/** A call or a response, in a linked list from which placed operations are removed. */
interface Node {
  readonly operation: Operation;
  readonly number: number;
  /** The response to a call; null for a response, and for a call without a response. */
  readonly answer: Node | null;
  readonly isCall: boolean;
  before: Node | null;
  after: Node | null;
}

interface PlacedOperation {
  readonly node: Node;
  readonly value: number;
}

/**
 * Searches for a linear order of `operations`, which must all be of one key.
 * @param operations without reads that have no response, which cannot contradict any order
 * @param stepsMax maximum number of steps; beyond it the result is `gave up`
 */
export function checkLinearizable(
  operations: readonly Operation[],
  stepsMax = STEPS_MAX,
): LinearizabilityResult {
  const head = linked(operations);
  const done = new Uint8Array(operations.length);
  const seen = new Set<string>();
  const path: PlacedOperation[] = [];
  let unanswered = operations.filter(({ returned }) => returned !== Infinity).length;
  let value = INITIAL;
  let node = head.after;
  for (let steps = 0; steps < stepsMax; steps += 1) {
    if (unanswered === 0) return 'linearizable';
    if (node?.isCall === true) {
      const next = effect(node.operation, value);
      if (next !== undefined && isNew(seen, done, node.number, next)) {
        path.push({ node, value });
        lift(node);
        if (node.answer !== null) unanswered -= 1;
        value = next;
        node = head.after;
      } else {
        if (next !== undefined) done[node.number] = 0;
        node = node.after;
      }
      continue;
    }
    // A response of an operation that is not placed yet, or the end of the list: undo the last placement.
    const last = path.pop();
    if (last === undefined) return 'not linearizable';
    done[last.node.number] = 0;
    if (last.node.answer !== null) unanswered += 1;
    value = last.value;
    unlift(last.node);
    node = last.node.after;
  }
  return 'gave up';
}

/** Marks the operation as done. Returns whether this set of operations with this value was not visited yet. */
function isNew(seen: Set<string>, done: Uint8Array, number: number, value: number): boolean {
  done[number] = 1;
  const key = `${Buffer.from(done.buffer).toString('latin1')} ${value}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** Lists calls and responses in order of time. At equal times calls come first, because the operations overlap. */
function linked(operations: readonly Operation[]): Node {
  const events: { readonly node: Node; readonly time: number }[] = [];
  operations.forEach((operation, number) => {
    const shared = { operation, number, before: null, after: null };
    const isAnswered = operation.returned !== Infinity;
    const answer: Node | null = isAnswered ? { ...shared, answer: null, isCall: false } : null;
    if (answer !== null) events.push({ node: answer, time: operation.returned });
    events.push({ node: { ...shared, answer, isCall: true }, time: operation.invoked });
  });
  events.sort((a, b) => a.time - b.time || Number(b.node.isCall) - Number(a.node.isCall));
  const first = events[0]?.node.operation ?? {
    client: '',
    key: '',
    kind: 'get',
    value: 0,
    invoked: 0,
    returned: 0,
    result: 0,
    by: null,
  };
  const head: Node = { operation: first, number: -1, answer: null, isCall: false, before: null, after: null };
  let last = head;
  for (const { node } of events) {
    last.after = node;
    node.before = last;
    last = node;
  }
  return head;
}

/** Removes an operation from the list. */
function lift(node: Node): void {
  for (const one of [node, node.answer]) {
    if (one === null) continue;
    if (one.before !== null) one.before.after = one.after;
    if (one.after !== null) one.after.before = one.before;
  }
}

/** Undoes `lift`. */
function unlift(node: Node): void {
  for (const one of [node.answer, node]) {
    if (one === null) continue;
    if (one.before !== null) one.before.after = one;
    if (one.after !== null) one.after.before = one;
  }
}
