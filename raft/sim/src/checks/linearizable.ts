/**
 * Whether what clients saw of one key could have come from one copy of it, each operation taking effect at one moment
 * between its call and its answer (Herlihy and Wing 1990). A depth-first search over the orders that real time allows,
 * which remembers the (operations done, value) that it has been to (Wing and Gong 1993; Lowe 2017).
 */
import type { Operation } from './history.js';

/** Value of a key before anything was written to it. */
const INITIAL = 0;
/** A search that takes more steps than this is given up. */
const STEPS_MAX = 2_000_000;

export type Verdict = 'linearizable' | 'not linearizable' | 'gave up';

/** The value after the operation; undefined if its answer could not come from a key of this value. */
function effect(operation: Operation, before: number): number | undefined {
  const { kind, value, result, returned } = operation;
  if (kind === 'get') return result === before ? before : undefined;
  const after = kind === 'put' ? value : before + value;
  return returned === Infinity || after === result ? after : undefined;
}

/** A call or an answer, in a list from which operations that were placed are taken out. */
interface Node {
  readonly operation: Operation;
  readonly number: number;
  /** The answer that belongs to a call; null for an answer, and for a call that was never answered. */
  readonly answer: Node | null;
  readonly isCall: boolean;
  before: Node | null;
  after: Node | null;
}

interface Placed {
  readonly node: Node;
  readonly value: number;
}

/** Searches for an order of `operations`, all of one key. Reads without an answer say nothing and do not belong here. */
export function checkLinearizable(operations: readonly Operation[], stepsMax = STEPS_MAX): Verdict {
  const head = linked(operations);
  const done = new Uint8Array(operations.length);
  const seen = new Set<string>();
  const path: Placed[] = [];
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
    // An answer whose operation has no place yet, or the end: what was placed last was wrong.
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

/** Marks the operation as done; whether this set of operations and value was not seen yet. */
function isNew(seen: Set<string>, done: Uint8Array, number: number, value: number): boolean {
  done[number] = 1;
  const key = `${Buffer.from(done.buffer).toString('latin1')} ${value}`;
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

/** The list of calls and answers in order of time; at one moment calls come first, as they may overlap. */
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

function lift(node: Node): void {
  for (const one of [node, node.answer]) {
    if (one === null) continue;
    if (one.before !== null) one.before.after = one.after;
    if (one.after !== null) one.after.before = one.before;
  }
}

function unlift(node: Node): void {
  for (const one of [node.answer, node]) {
    if (one === null) continue;
    if (one.before !== null) one.before.after = one;
    if (one.after !== null) one.after.before = one;
  }
}
