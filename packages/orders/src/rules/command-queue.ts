/**
 * The leader's command queue: takes commands in, sees to it that a key makes one command however often and through however
 * many front-ends it comes, gathers what arrived together into batches, and tells whoever waits what became of it.
 * Made anew each time that this replica begins to lead.
 *
 *     taken -> logged (index known) -> decided (committed and applied) -> visible (answered)
 *
 * A batch is forgotten once it is visible and stored: from then on the book answers for its keys.
 */
import {
  BATCH_COMMANDS_MAX,
  TransientMap,
  assertRule,
  type Command,
  type Order,
  type Outcome,
  type SubmitResult,
} from '@trireme/domain';
import { Fifo } from './fifo.js';
import type { DecidedBatch, KnownCommand } from './state.js';
import { ToldOrders } from './told-orders.js';

/** Who waits for an answer: a link, and the asker's own id on it. */
export interface Waiter {
  readonly link: number;
  readonly id: number;
}

/** An answer for one waiter. */
export interface Answer {
  readonly link: number;
  readonly result: SubmitResult;
}

/** The results of answers, for each link those that go there, in their order. */
export function answersByLink(answers: readonly Answer[]): ReadonlyMap<number, readonly SubmitResult[]> {
  const byLink = new Map<number, SubmitResult[]>();
  for (const { link, result } of answers) {
    const items = byLink.get(link);
    if (items === undefined) byLink.set(link, [result]);
    else items.push(result);
  }
  return byLink;
}

/** What is known of a command, without the asker's id. */
type Verdict = readonly ['filled', number, number] | readonly ['done'] | readonly ['rejected', string];

interface OpenCommand {
  readonly command: Command;
  waiters: Waiter[];
  /** What became of it; null before it is decided. */
  verdict: Verdict | null;
  /** It is visible: whoever asks from now on is answered at once. */
  isTold: boolean;
}

/** A batch from when it is logged. */
interface QueuedBatch {
  readonly index: number;
  readonly commands: readonly Command[];
  /** Null before it is decided. */
  decided: Pick<DecidedBatch, 'time' | 'outcomes' | 'firstNumber'> | null;
}

export interface CommandQueueLimits {
  /** Commands taken and not yet visible and stored, and waiters for them, at most; at the bound commands are refused as busy. */
  readonly openMax: number;
  /** Commands that are logged and not yet visible at most; more wait at the queue. */
  readonly invisibleMax: number;
}

const COMMAND_QUEUE_LIMITS: CommandQueueLimits = { openMax: 100_000, invisibleMax: 50_000 };

/** What the book holds when the queue is made: everything that earlier leaders logged. */
interface InheritedState {
  /** Log index of the last batch. */
  readonly lastIndex: number;
  /** The store has everything up to this log index. */
  readonly storedIndex: number;
  /** Filled orders, and those of them that the log calls visible. */
  readonly orders: number;
  readonly visibleOrders: number;
}

export class CommandQueue {
  readonly #limits: CommandQueueLimits;
  readonly #find: (key: string) => KnownCommand | null;
  /** By key: everything from being taken until it is visible and stored. */
  readonly #open = new TransientMap<string, OpenCommand>();
  #waiters = 0;
  #queue: Command[] = [];
  /** In log order; the first `#visible` of them are visible, the first `#decided` are decided. */
  readonly #batches = new Fifo<QueuedBatch>();
  #decided = 0;
  #visible = 0;
  #invisibleCommands = 0;
  readonly #start: Pick<InheritedState, 'lastIndex' | 'orders'>;
  /** Keys of commands of earlier leaders that somebody waits for until they are visible. */
  #inheritedKeys: string[] = [];
  readonly #told = new ToldOrders();
  #visibleIndex = 0;
  #visibleOrders: number;
  #storedIndex: number;

  /** @param find what the book knows of a key; asked only for keys that are not open here */
  constructor(
    { lastIndex, storedIndex, orders, visibleOrders }: InheritedState,
    find: (key: string) => KnownCommand | null,
    limits: CommandQueueLimits = COMMAND_QUEUE_LIMITS,
  ) {
    // A copy: the book that these come from goes on.
    this.#start = { lastIndex, orders };
    this.#visibleOrders = visibleOrders;
    this.#storedIndex = storedIndex;
    this.#find = find;
    this.#limits = limits;
  }

  /** Commands that wait to be logged. */
  get queued(): number {
    return this.#queue.length;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Orders up to this number may be shown to anyone. */
  get visibleOrders(): number {
    return this.#visibleOrders;
  }

  /** Every outcome that any client was told by now is of a batch at or below this log index. */
  get toldIndex(): number {
    return Math.max(this.#start.lastIndex, this.#visibleIndex);
  }

  /** Everything up to this log index is visible and stored. */
  get readableIndex(): number {
    return Math.min(this.#visibleIndex, this.#storedIndex);
  }

  /** Takes a command in. Returns the answer if there is one already; else the waiter gets it later. */
  submit(command: Command, waiter: Waiter): Answer | null {
    const open = this.#open.get(command.key);
    if (open !== undefined) return this.#join(open, command, waiter);
    const known = this.#find(command.key);
    if (known !== null) return this.#repeat(known, command, waiter);
    if (this.#isFull) return { link: waiter.link, result: [waiter.id, 'refused', 'busy'] };
    this.#add(command, waiter, null);
    this.#queue.push(command);
    return null;
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#limits.openMax || this.#waiters >= this.#limits.openMax;
  }

  #add(command: Command, waiter: Waiter, verdict: Verdict | null): void {
    this.#open.set(command.key, { command, waiters: [waiter], verdict, isTold: false });
    this.#waiters += 1;
  }

  /** A key that the book knows: the answer waits until it is visible, as that of its first command does. */
  #repeat(known: KnownCommand, command: Command, { link, id }: Waiter): Answer | null {
    if (!isSame(known.command, command)) return { link, result: [id, 'keyReused'] };
    const verdict = verdictOf(known.outcome, known.number);
    if (this.#isVisible(known)) return { link, result: answerOf(id, verdict) };
    if (this.#isFull) return { link, result: [id, 'lost'] };
    this.#add(known.command, { link, id }, verdict);
    this.#inheritedKeys.push(command.key);
    return null;
  }

  #isVisible({ index, outcome, number }: KnownCommand): boolean {
    if (index <= this.#visibleIndex) return true;
    return outcome.kind === 'filled' && number <= this.#visibleOrders;
  }

  #join(open: OpenCommand, command: Command, waiter: Waiter): Answer | null {
    const { link, id } = waiter;
    if (!isSame(open.command, command)) return { link, result: [id, 'keyReused'] };
    if (open.isTold && open.verdict !== null) return { link, result: answerOf(id, open.verdict) };
    // Not "refused": the command itself is under way and may well have an effect.
    if (this.#isFull) return { link, result: [id, 'lost'] };
    open.waiters.push(waiter);
    this.#waiters += 1;
    return null;
  }

  /** A link is closed: nobody waits on it any more. What came over it goes its way. */
  forget(link: number): void {
    for (const [, open] of this.#open) {
      const left = open.waiters.filter((waiter) => waiter.link !== link);
      this.#waiters -= open.waiters.length - left.length;
      open.waiters = left;
    }
  }

  /** What to log next; null if there is nothing, or too much is not visible to log more. */
  takeBatch(): readonly Command[] | null {
    const room = Math.max(0, this.#limits.invisibleMax - this.#invisibleCommands);
    const commands = this.#queue.splice(0, Math.min(room, BATCH_COMMANDS_MAX));
    if (commands.length === 0) return null;
    this.#invisibleCommands += commands.length;
    return commands;
  }

  /** The batch stands in the log at `index`. */
  logged(index: number, commands: readonly Command[]): void {
    this.#batches.push({ index, commands, decided: null });
  }

  /** The log refused the batch: it had no effect, and may be tried again or given up. */
  notLogged(commands: readonly Command[]): void {
    this.#queue = [...commands, ...this.#queue];
    this.#invisibleCommands -= commands.length;
  }

  /** The oldest undecided batch is committed and applied. */
  decided({ index, time, outcomes, firstNumber }: DecidedBatch): void {
    const batch = this.#batches.at(this.#decided);
    assertRule(batch?.index === index, `${index} is decided, but ${String(batch?.index)} is the oldest`);
    batch.decided = { time, outcomes, firstNumber };
    this.#decided += 1;
    let number = firstNumber - 1;
    batch.commands.forEach((command, position) => {
      const outcome = outcomes[position] ?? { kind: 'none' };
      assertRule(outcome.kind !== 'none', `the key of ${index} at ${position} was used before`);
      if (outcome.kind === 'filled') number += 1;
      const open = this.#open.get(command.key);
      assertRule(open !== undefined, `decided command of ${index} at ${position} is not open`);
      open.verdict = verdictOf(outcome, number);
    });
  }

  /** Everything up to log index `index` is visible. Returns the answers that are due. */
  visible(index: number): readonly Answer[] {
    if (index <= this.#visibleIndex) return [];
    const answers: Answer[] = [];
    if (index >= this.#start.lastIndex && this.#visibleIndex < this.#start.lastIndex) {
      this.#tellInherited(answers);
      this.#visibleOrders = this.#start.orders;
    }
    this.#visibleIndex = index;
    for (; this.#visible < this.#decided; this.#visible += 1) {
      const batch = this.#batches.at(this.#visible);
      if (batch === undefined || batch.decided === null || batch.index > index) break;
      this.#tell(batch.index, batch.commands, batch.decided, answers);
    }
    this.#forgetDone();
    return answers;
  }

  #tellInherited(answers: Answer[]): void {
    for (const key of this.#inheritedKeys) {
      const open = this.#open.get(key);
      if (open === undefined) continue;
      this.#answer(open, answers);
      this.#open.delete(key);
    }
    this.#inheritedKeys = [];
  }

  #tell(
    index: number,
    commands: readonly Command[],
    { time, outcomes, firstNumber }: NonNullable<QueuedBatch['decided']>,
    answers: Answer[],
  ): void {
    for (const { key } of commands) {
      const open = this.#open.get(key);
      if (open !== undefined) this.#answer(open, answers);
    }
    this.#invisibleCommands -= commands.length;
    const count = outcomes.reduce((sum, { kind }) => sum + Number(kind === 'filled'), 0);
    this.#visibleOrders = Math.max(this.#visibleOrders, firstNumber - 1 + count);
    if (index > this.#storedIndex)
      this.#told.add({ index, time, commands, outcomes, first: firstNumber, count });
  }

  #answer(open: OpenCommand, answers: Answer[]): void {
    const { verdict, waiters } = open;
    if (verdict === null) return;
    for (const { link, id } of waiters) answers.push({ link, result: answerOf(id, verdict) });
    this.#waiters -= waiters.length;
    open.waiters = [];
    open.isTold = true;
  }

  /** Order `number`, if it is visible and the store does not have it yet; null else. */
  order(number: number): Order | null {
    return this.#told.find(number);
  }

  /** The store has everything up to log index `index`. */
  stored(index: number): void {
    this.#storedIndex = Math.max(this.#storedIndex, index);
    this.#told.stored(index);
    this.#forgetDone();
  }

  #forgetDone(): void {
    while (this.#visible > 0 && (this.#batches.first?.index ?? Infinity) <= this.#storedIndex) {
      for (const { key } of this.#batches.shift()?.commands ?? []) this.#open.delete(key);
      this.#visible -= 1;
      this.#decided -= 1;
    }
  }

  /**
   * This replica leads no more. What was logged may still be decided under its successor, so its waiters are told that
   * it is lost from sight; what was not logged surely had no effect.
   */
  close(): readonly Answer[] {
    const answers: Answer[] = [];
    const unlogged = new Set(this.#queue.map((command) => command.key));
    for (const [key, { waiters }] of this.#open) {
      for (const { link, id } of waiters) {
        answers.push({ link, result: unlogged.has(key) ? [id, 'refused', 'notLeader'] : [id, 'lost'] });
      }
    }
    this.#open.clear();
    this.#queue = [];
    return answers;
  }
}

function verdictOf(outcome: Outcome, number: number): Verdict {
  switch (outcome.kind) {
    case 'filled':
      return ['filled', number, outcome.price];
    case 'done':
      return ['done'];
    case 'rejected':
      return ['rejected', outcome.reason];
    case 'none':
      throw new TypeError('a command that made nothing has no verdict');
  }
}

function answerOf(id: number, verdict: Verdict): SubmitResult {
  switch (verdict[0]) {
    case 'filled':
      return [id, 'filled', verdict[1], verdict[2]];
    case 'done':
      return [id, 'done'];
    case 'rejected':
      return [id, 'rejected', verdict[1]];
  }
}

function isSame(a: Command, b: Command): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'list') return b.kind === 'list' && a.price === b.price;
  return b.kind !== 'list' && a.quantity === b.quantity;
}
