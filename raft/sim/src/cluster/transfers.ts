/** The snapshots that are on their way between processes: beside the messages, over the same bad links. */
import type { NodeId } from '#raft/core/types.js';
import type { SnapshotTransfer } from '#raft/transport/transport.js';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { Scope } from '../engine/scope.js';
import { Transfer, type End, type Way } from './transfer.js';

const TRAVEL_MIN: Micros = 100;
const TRAVEL_MEAN: Micros = MS;
const STALL_MEAN: Micros = 300 * MS;
/** How much later a snapshot may come once more, at most. */
const REPEAT_MAX: Micros = 5 * SECOND;

/** What is wrong with one direction of a link, as far as it matters here. */
interface LinkState {
  readonly cut: boolean;
  readonly loss: number;
  readonly duplication: number;
  readonly delay: Micros;
}

interface TransfersContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Chance that a piece is damaged on its way. */
  readonly damage: number;
  /** How long a sender waits for an answer. */
  readonly patience: Micros;
  readonly linkOf: (from: NodeId, to: NodeId) => LinkState;
  /** Null if the member is not there, or refuses the sender. */
  readonly endOf: (member: NodeId, sender: NodeId) => End | null;
}

export class Transfers {
  readonly #context: TransfersContext;
  readonly #way: Way;
  readonly #underWay = new Set<Transfer>();

  constructor(context: TransfersContext) {
    const { scheduler, random, patience } = context;
    this.#context = context;
    this.#way = {
      patience,
      carry: (from, to, run) => this.#carry(from, to, run),
      after: (delay, run) => scheduler.after(delay, run),
      woken: () => {
        scheduler.mayHaveWoken = true;
      },
      damaged: (bytes) => this.#damaged(bytes),
      stallTime: () => random.exponential(STALL_MEAN),
    };
  }

  /** Sends a snapshot for the life that `scope` is; resolves when the receiver has taken it. */
  async send(snapshot: SnapshotTransfer, signal: AbortSignal, scope: Scope): Promise<void> {
    const { from, to } = snapshot;
    const receiver = this.#context.endOf(to, from);
    if (receiver === null) throw new Error(`${to} takes nothing from ${from}`);
    await new Promise<void>((resolve, reject) => {
      const settled = (error: Error | null): void => {
        this.#underWay.delete(transfer);
        scope.enter(() => {
          this.#way.woken();
          if (error === null) resolve();
          else reject(error);
        });
      };
      const { chunks, ...header } = snapshot;
      const transfer = new Transfer(header, this.#way, receiver, scope, settled);
      this.#underWay.add(transfer);
      const abort = (): void => transfer.giveUp(new Error('aborted'));
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
      transfer.send(chunks).then(
        () => this.#repeat(transfer, header),
        (error: unknown) => transfer.giveUp(error instanceof Error ? error : new Error(String(error))),
      );
    });
  }

  /** Everything of one life ends: its own side knows at once. */
  stop(id: NodeId): void {
    for (const transfer of this.#underWay) {
      if (transfer.from === id) transfer.giveUp(new Error('stopped'));
    }
    this.broken(id);
  }

  /** A member's connections end, those with `other` alone if one is named. */
  broken(id: NodeId, other: NodeId | null = null): void {
    for (const transfer of this.#underWay) {
      const ends = [transfer.from, transfer.to];
      if (!ends.includes(id) || (other !== null && !ends.includes(other))) continue;
      this.#underWay.delete(transfer);
      transfer.cut(new Error('the connection is reset'));
    }
  }

  /** What was sent whole may come once more, when no one thinks of it any more. */
  #repeat(transfer: Transfer, header: Omit<SnapshotTransfer, 'chunks'>): void {
    const { random, scheduler, linkOf, endOf } = this.#context;
    const { from, to } = transfer;
    if (!random.chance(linkOf(from, to).duplication)) return;
    scheduler.after(random.below(REPEAT_MAX), () => {
      const receiver = endOf(to, from);
      if (receiver === null) return;
      this.#way.woken();
      void new Transfer(header, this.#way, receiver, null, () => undefined).repeat(transfer.pieces);
    });
  }

  #carry(from: NodeId, to: NodeId, run: () => void): boolean {
    const { scheduler, random, linkOf } = this.#context;
    const { cut, loss, delay } = linkOf(from, to);
    // A link that loses packets breaks a stream now and then; most of them it only slows down.
    if (cut || random.chance(loss / 4)) return false;
    scheduler.after(TRAVEL_MIN + random.exponential(TRAVEL_MEAN + delay), run);
    return true;
  }

  #damaged(bytes: Buffer): Buffer {
    const { random, damage } = this.#context;
    if (!random.chance(damage)) return bytes;
    const copy = Buffer.from(bytes);
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  }
}
