/**
 * The leader's command queue. It accepts commands, makes one command per idempotency key however often and
 * through however many front-ends the key arrives, groups commands into batches, and answers the waiters. One
 * instance per leader session.
 *
 *     accepted -> logged (index known) -> decided (committed and applied) -> visible (answered)
 *
 * A batch is dropped once it is visible and stored: from then on the book answers for its keys.
 */
import {
  BATCH_COMMANDS_MAX,
  TransientMap,
  assertInvariant,
  type Command,
  type Order,
  type Outcome,
  type SubmitResult,
} from '@trireme/domain';
import { Fifo } from './fifo.js';
import type { DecidedBatch, RecordedCommand } from '../book/state.js';
import { UnstoredOrders } from './unstored-orders.js';

/** A request that waits for an answer: its link, and its id on that link. */
export interface Waiter {
  readonly link: number;
  readonly id: number;
}

/** An answer for one waiter. */
export interface SubmitAnswer {
  readonly link: number;
  readonly result: SubmitResult;
}

/** Groups the results by link, in order. */
export function groupResultsByLink(
  answers: readonly SubmitAnswer[],
): ReadonlyMap<number, readonly SubmitResult[]> {
  const byLink = new Map<number, SubmitResult[]>();
  for (const { link, result } of answers) {
    const items = byLink.get(link);
    if (items === undefined) byLink.set(link, [result]);
    else items.push(result);
  }
  return byLink;
}

/** The result of a command, without the id of a request. */
type CommandResult = readonly ['filled', number, number] | readonly ['done'] | readonly ['rejected', string];

interface OpenCommand {
  readonly command: Command;
  waiters: Waiter[];
  /** Null until the command is decided. */
  result: CommandResult | null;
}

/** A logged batch. */
interface QueuedBatch {
  readonly index: number;
  readonly commands: readonly Command[];
  /** Null until the batch is decided. */
  decided: Pick<DecidedBatch, 'time' | 'outcomes' | 'firstNumber'> | null;
}

export interface CommandQueueLimits {
  /**
   * Maximum number of commands that are not visible, and of waiters; further commands are refused as busy.
   */
  readonly openMax: number;
  /** Maximum number of logged commands that are not visible; further ones wait in the queue. */
  readonly invisibleMax: number;
}

const COMMAND_QUEUE_LIMITS: CommandQueueLimits = { openMax: 100_000, invisibleMax: 50_000 };

/** The state of the book when the queue is created: everything that earlier leaders logged. */
interface InheritedState {
  /** Log index of the last batch. */
  readonly lastIndex: number;
  /** The store contains everything up to this log index. */
  readonly storedIndex: number;
  /** Number of filled orders, and how many of them the log calls visible. */
  readonly orders: number;
  readonly visibleOrders: number;
}

export class CommandQueue {
  readonly #limits: CommandQueueLimits;
  readonly #find: (key: string) => RecordedCommand | null;
  /** By key: all commands that are not visible. The book knows the keys of the others. */
  readonly #open = new TransientMap<string, OpenCommand>();
  #waiters = 0;
  #queued: Command[] = [];
  /** Batches that are not visible, in log order. The first `#decided` are decided. */
  readonly #batches = new Fifo<QueuedBatch>();
  #decided = 0;
  #invisibleCommands = 0;
  readonly #inherited: Pick<InheritedState, 'lastIndex' | 'orders'>;
  /** Keys of earlier leaders' commands that have waiters and are not visible yet. */
  #inheritedKeys: string[] = [];
  readonly #unstored = new UnstoredOrders();
  #visibleIndex = 0;
  #visibleOrders: number;
  #storedIndex: number;

  /** @param find looks a key up in the book; called only for keys that are not open here */
  constructor(
    { lastIndex, storedIndex, orders, visibleOrders }: InheritedState,
    find: (key: string) => RecordedCommand | null,
    limits: CommandQueueLimits = COMMAND_QUEUE_LIMITS,
  ) {
    // Copied, because the book's record changes with every apply.
    this.#inherited = { lastIndex, orders };
    this.#visibleOrders = visibleOrders;
    this.#storedIndex = storedIndex;
    this.#find = find;
    this.#limits = limits;
  }

  /** Number of commands that wait to be logged. */
  get queued(): number {
    return this.#queued.length;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Orders up to this number may be shown to clients. */
  get visibleOrders(): number {
    return this.#visibleOrders;
  }

  /** Every outcome that any client was notified of so far is in a batch at or below this log index. */
  get acknowledgedIndex(): number {
    return Math.max(this.#inherited.lastIndex, this.#visibleIndex);
  }

  /** All entries up to this log index are visible and stored. */
  get readableIndex(): number {
    return Math.min(this.#visibleIndex, this.#storedIndex);
  }

  /** Accepts a command. Returns the answer if it is known; otherwise the waiter is answered later. */
  submit(command: Command, waiter: Waiter): SubmitAnswer | null {
    const open = this.#open.get(command.key);
    if (open !== undefined) return this.#join(open, command, waiter);
    const known = this.#find(command.key);
    if (known !== null) return this.#answerKnown(known, command, waiter);
    if (this.#isFull) return { link: waiter.link, result: [waiter.id, 'refused', 'busy'] };
    this.#add(command, waiter, null);
    this.#queued.push(command);
    return null;
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#limits.openMax || this.#waiters >= this.#limits.openMax;
  }

  #add(command: Command, waiter: Waiter, result: CommandResult | null): void {
    this.#open.set(command.key, { command, waiters: [waiter], result });
    this.#waiters += 1;
  }

  /** A key that the book knows: answered once the first command with the key is visible. */
  #answerKnown(known: RecordedCommand, command: Command, { link, id }: Waiter): SubmitAnswer | null {
    if (!isSameCommand(known.command, command)) return { link, result: [id, 'keyReused'] };
    const result = resultOf(known.outcome, known.number);
    if (this.#isVisible(known)) return { link, result: answerOf(id, result) };
    if (this.#isFull) return { link, result: [id, 'lost'] };
    this.#add(known.command, { link, id }, result);
    this.#inheritedKeys.push(command.key);
    return null;
  }

  #isVisible({ index, outcome, number }: RecordedCommand): boolean {
    if (index <= this.#visibleIndex) return true;
    return outcome.kind === 'filled' && number <= this.#visibleOrders;
  }

  #join(open: OpenCommand, command: Command, waiter: Waiter): SubmitAnswer | null {
    const { link, id } = waiter;
    if (!isSameCommand(open.command, command)) return { link, result: [id, 'keyReused'] };
    // Not "refused": the command itself may still take effect.
    if (this.#isFull) return { link, result: [id, 'lost'] };
    open.waiters.push(waiter);
    this.#waiters += 1;
    return null;
  }

  /** A link closed: drops its waiters. Commands that arrived on it continue. */
  dropWaiters(link: number): void {
    for (const [, open] of this.#open) {
      const left = open.waiters.filter((waiter) => waiter.link !== link);
      this.#waiters -= open.waiters.length - left.length;
      open.waiters = left;
    }
  }

  /** The next commands to log; null if there are none, or too many logged commands are not visible. */
  takeBatch(): readonly Command[] | null {
    const room = Math.max(0, this.#limits.invisibleMax - this.#invisibleCommands);
    const commands = this.#queued.splice(0, Math.min(room, BATCH_COMMANDS_MAX));
    if (commands.length === 0) return null;
    this.#invisibleCommands += commands.length;
    return commands;
  }

  /** The batch was logged at `index`. */
  onLogged(index: number, commands: readonly Command[]): void {
    this.#batches.push({ index, commands, decided: null });
  }

  /** The log refused the batch, which had no effect: its commands return to the head of the queue. */
  requeue(commands: readonly Command[]): void {
    this.#queued = [...commands, ...this.#queued];
    this.#invisibleCommands -= commands.length;
  }

  /** The oldest undecided batch is committed and applied. */
  onDecided({ index, time, outcomes, firstNumber }: DecidedBatch): void {
    const batch = this.#batches.at(this.#decided);
    assertInvariant(
      batch?.index === index,
      `batch ${index} is decided, but the oldest undecided batch is ${String(batch?.index)}`,
    );
    batch.decided = { time, outcomes, firstNumber };
    this.#decided += 1;
    let number = firstNumber - 1;
    batch.commands.forEach((command, position) => {
      const outcome = outcomes[position] ?? { kind: 'none' };
      assertInvariant(
        outcome.kind !== 'none',
        `the key of command ${position} in batch ${index} was used before`,
      );
      if (outcome.kind === 'filled') number += 1;
      const open = this.#open.get(command.key);
      assertInvariant(open !== undefined, `the decided command ${position} of batch ${index} is not open`);
      open.result = resultOf(outcome, number);
    });
  }

  /** All entries up to log index `index` are visible. Returns the answers that are due. */
  onVisible(index: number): readonly SubmitAnswer[] {
    if (index <= this.#visibleIndex) return [];
    const answers: SubmitAnswer[] = [];
    if (index >= this.#inherited.lastIndex && this.#visibleIndex < this.#inherited.lastIndex) {
      this.#answerInherited(answers);
      this.#visibleOrders = this.#inherited.orders;
    }
    this.#visibleIndex = index;
    for (;;) {
      const { first } = this.#batches;
      if (first === undefined || first.decided === null || first.index > index) return answers;
      this.#answerBatch(first.index, first.commands, first.decided, answers);
      this.#batches.shift();
      this.#decided -= 1;
    }
  }

  #answerInherited(answers: SubmitAnswer[]): void {
    for (const key of this.#inheritedKeys) {
      const open = this.#open.get(key);
      if (open === undefined) continue;
      this.#answer(open, answers);
    }
    this.#inheritedKeys = [];
  }

  #answerBatch(
    index: number,
    commands: readonly Command[],
    { time, outcomes, firstNumber }: NonNullable<QueuedBatch['decided']>,
    answers: SubmitAnswer[],
  ): void {
    for (const { key } of commands) {
      const open = this.#open.get(key);
      if (open !== undefined) this.#answer(open, answers);
    }
    this.#invisibleCommands -= commands.length;
    const count = outcomes.reduce((sum, { kind }) => sum + Number(kind === 'filled'), 0);
    this.#visibleOrders = Math.max(this.#visibleOrders, firstNumber - 1 + count);
    if (index > this.#storedIndex)
      this.#unstored.add({ index, time, commands, outcomes, first: firstNumber, count });
  }

  #answer(open: OpenCommand, answers: SubmitAnswer[]): void {
    const { result, waiters } = open;
    if (result === null) return;
    for (const { link, id } of waiters) answers.push({ link, result: answerOf(id, result) });
    this.#waiters -= waiters.length;
    this.#open.delete(open.command.key);
  }

  /** Order `number` if it is visible and not stored yet; otherwise null. */
  unstoredOrder(number: number): Order | null {
    return this.#unstored.find(number);
  }

  /** The store contains everything up to log index `index`. */
  onStored(index: number): void {
    this.#storedIndex = Math.max(this.#storedIndex, index);
    this.#unstored.dropStored(index);
  }

  /**
   * This replica lost leadership. Logged commands may still be decided under its successor, so their waiters
   * get `lost`; commands that were not logged have no effect and get `refused`.
   */
  close(): readonly SubmitAnswer[] {
    const answers: SubmitAnswer[] = [];
    const unlogged = new Set(this.#queued.map((command) => command.key));
    for (const [key, { waiters }] of this.#open) {
      for (const { link, id } of waiters) {
        answers.push({ link, result: unlogged.has(key) ? [id, 'refused', 'notLeader'] : [id, 'lost'] });
      }
    }
    this.#open.clear();
    this.#queued = [];
    return answers;
  }
}

function resultOf(outcome: Outcome, number: number): CommandResult {
  switch (outcome.kind) {
    case 'filled':
      return ['filled', number, outcome.price];
    case 'done':
      return ['done'];
    case 'rejected':
      return ['rejected', outcome.reason];
    case 'none':
      throw new TypeError('a command with outcome none has no result');
  }
}

function answerOf(id: number, result: CommandResult): SubmitResult {
  switch (result[0]) {
    case 'filled':
      return [id, 'filled', result[1], result[2]];
    case 'done':
      return [id, 'done'];
    case 'rejected':
      return [id, 'rejected', result[1]];
  }
}

function isSameCommand(a: Command, b: Command): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.kind === 'list') return b.kind === 'list' && a.price === b.price;
  return b.kind !== 'list' && a.quantity === b.quantity;
}
