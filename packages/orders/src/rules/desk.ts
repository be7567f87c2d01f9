/**
 * The leader's order desk: takes commands in, sees to it that a key makes one command however often and through however
 * many front-ends it comes, gathers what arrived together into batches, and tells whoever waits what was decided.
 * Made anew each time that this replica begins to lead.
 *
 *     taken -> logged (index known) -> decided (answered) -> settled (in the book; the desk forgets it)
 */
import {
  BATCH_COMMANDS_MAX,
  TransientMap,
  assertRule,
  type Command,
  type Order,
  type Outcome,
  type Settlement,
  type SubmitResult,
} from '@trireme/domain';
import { Fifo } from './fifo.js';
import type { KnownCommand, PendingBatch } from './state.js';
import { ToldOrders, type DecidedBatch } from './told-orders.js';

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
  verdict: Verdict | null;
}

export interface DeskLimits {
  /** Commands taken and not yet settled, and waiters for them, at most; at the bound commands are refused as busy. */
  readonly openMax: number;
  /** Commands that are logged and not yet decided at most; more wait at the desk. */
  readonly undecidedMax: number;
}

const DESK_LIMITS: DeskLimits = { openMax: 100_000, undecidedMax: 50_000 };

export class Desk {
  readonly #limits: DeskLimits;
  readonly #find: (key: string) => KnownCommand | null;
  /** By key: everything from being taken until the book has it settled. */
  readonly #open = new TransientMap<string, OpenCommand>();
  #waiters = 0;
  #queue: Command[] = [];
  /** Logged batches in log order until they are decided. */
  readonly #logged = new Fifo<{ readonly index: number; readonly commands: readonly Command[] }>();
  #undecided = 0;
  #settlements: Settlement[] = [];
  #nextNumber: number;
  readonly #told = new ToldOrders();
  #toldIndex: number;

  /**
   * @param orders filled orders in the book now
   * @param pending batches that earlier leaders logged and that are not settled
   * @param find what the book knows of a key; asked only for keys that are not open here
   */
  constructor(
    orders: number,
    pending: readonly PendingBatch[],
    find: (key: string) => KnownCommand | null,
    limits: DeskLimits = DESK_LIMITS,
  ) {
    this.#nextNumber = orders + 1;
    this.#toldIndex = pending.at(-1)?.index ?? 0;
    this.#find = find;
    this.#limits = limits;
    for (const batch of pending) {
      for (const command of made(batch)) this.#open.set(command.key, { command, waiters: [], verdict: null });
      this.#logged.push({ index: batch.index, commands: batch.commands });
      this.#undecided += batch.commands.length;
    }
  }

  /** Commands that wait to be logged. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Batches that were decided and whose settlement is to be logged. */
  get unsettled(): number {
    return this.#settlements.length;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Takes a command in. Returns the answer if there is one already; else the waiter gets it later. */
  submit(command: Command, waiter: Waiter): Answer | null {
    const open = this.#open.get(command.key);
    if (open !== undefined) return this.#join(open, command, waiter);
    const known = this.#find(command.key);
    if (known !== null) {
      const verdict = isSame(known.command, command) ? verdictOf(known.outcome, known.number) : null;
      return { link: waiter.link, result: answerOf(waiter.id, verdict) };
    }
    if (this.#isFull) return { link: waiter.link, result: [waiter.id, 'refused', 'busy'] };
    this.#open.set(command.key, { command, waiters: [waiter], verdict: null });
    this.#waiters += 1;
    this.#queue.push(command);
    return null;
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#limits.openMax || this.#waiters >= this.#limits.openMax;
  }

  #join(open: OpenCommand, command: Command, waiter: Waiter): Answer | null {
    const { link, id } = waiter;
    if (!isSame(open.command, command)) return { link, result: [id, 'keyReused'] };
    if (open.verdict !== null) return { link, result: answerOf(id, open.verdict) };
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

  /** What to log next, or null if there is nothing, or too much is undecided to log more commands. */
  takeBatch(): { readonly commands: readonly Command[]; readonly settlements: readonly Settlement[] } | null {
    const room = Math.max(0, this.#limits.undecidedMax - this.#undecided);
    const commands = this.#queue.splice(0, Math.min(room, BATCH_COMMANDS_MAX));
    const settlements = this.#settlements;
    if (commands.length === 0 && settlements.length === 0) return null;
    this.#settlements = [];
    this.#undecided += commands.length;
    return { commands, settlements };
  }

  /** The batch with `commands` stands in the log at `index`. */
  logged(index: number, commands: readonly Command[]): void {
    if (commands.length > 0) this.#logged.push({ index, commands });
  }

  /** The log refused the batch: it had no effect, and may be tried again or given up. */
  notLogged(commands: readonly Command[], settlements: readonly Settlement[]): void {
    this.#queue = [...commands, ...this.#queue];
    this.#settlements = [...settlements, ...this.#settlements];
    this.#undecided -= commands.length;
  }

  /** The catalog has decided the oldest undecided batch, for good. Returns the answers that are due. */
  decided({ index, time }: DecidedBatch, outcomes: readonly Outcome[]): readonly Answer[] {
    const oldest = this.#logged.shift();
    assertRule(oldest?.index === index, `${index} is decided, but ${String(oldest?.index)} is the oldest`);
    const { commands } = oldest;
    this.#undecided -= commands.length;
    this.#toldIndex = Math.max(this.#toldIndex, index);
    const answers: Answer[] = [];
    const first = this.#nextNumber;
    outcomes.forEach((outcome, position) => {
      const command = commands[position];
      if (command === undefined || outcome.kind === 'none') return;
      const number = outcome.kind === 'filled' ? this.#nextNumber++ : 0;
      const open = this.#open.get(command.key);
      assertRule(open !== undefined, `decided command of ${index} at ${position} is not open`);
      const verdict = verdictOf(outcome, number);
      open.verdict = verdict;
      for (const { link, id } of open.waiters) answers.push({ link, result: answerOf(id, verdict) });
      this.#waiters -= open.waiters.length;
      open.waiters = [];
    });
    this.#told.add({ index, time, commands, outcomes, first, count: this.#nextNumber - first });
    this.#settlements.push({ index, outcomes });
    return answers;
  }

  /**
   * Every outcome that any client was told by now is of a batch at or below this log index: of one that was decided under
   * this desk, or of one that an earlier leader logged.
   */
  get toldIndex(): number {
    return this.#toldIndex;
  }

  /** Order `number`, if it was decided under this desk and the book does not have it yet; null else. */
  order(number: number): Order | null {
    return this.#told.find(number);
  }

  /** The book has the batch settled, and answers for its keys and orders from now on. */
  settled(batch: PendingBatch): void {
    this.#told.stored(batch.index);
    for (const command of made(batch)) this.#open.delete(command.key);
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

/** The commands of a batch that were not skipped. */
function made({ commands, skip }: PendingBatch): readonly Command[] {
  const skipped = new Set(skip);
  return commands.filter((_, position) => !skipped.has(position));
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
      throw new TypeError('a skipped position has no verdict');
  }
}

/** `null` stands for a key that came with another body. */
function answerOf(id: number, verdict: Verdict | null): SubmitResult {
  if (verdict === null) return [id, 'keyReused'];
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
