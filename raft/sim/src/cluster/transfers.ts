/** The snapshot transfers between processes, which use the same links as messages. */
import type { NodeId, SnapshotTransfer } from '@trireme/raft';
import type { Random } from '../engine/random.js';
import { MS, SECOND, type Micros, type Scheduler } from '../engine/scheduler.js';
import type { ProcessScope } from '../engine/scope.js';
import { SnapshotTransferRun, type TransferEnd, type TransferConnection } from './transfer.js';

const TRAVEL_MIN: Micros = 100;
const TRAVEL_MEAN: Micros = MS;
const STALL_MEAN: Micros = 300 * MS;
/** Maximum delay of a repeated transfer. */
const REPEAT_MAX: Micros = 5 * SECOND;

/** The faults of one direction of a link that affect transfers. */
interface LinkState {
  readonly cut: boolean;
  readonly loss: number;
  readonly duplication: number;
  readonly delay: Micros;
}

interface TransfersContext {
  readonly scheduler: Scheduler;
  readonly random: Random;
  /** Probability that a chunk is damaged in transit. */
  readonly damage: number;
  /** Time after which a sender aborts a transfer. */
  readonly transferTimeout: Micros;
  readonly linkOf: (from: NodeId, to: NodeId) => LinkState;
  /** Null if the member is down, or refuses the sender. */
  readonly endOf: (member: NodeId, sender: NodeId) => TransferEnd | null;
}

export class SimTransfers {
  readonly #context: TransfersContext;
  readonly #way: TransferConnection;
  readonly #transfers = new Set<SnapshotTransferRun>();

  constructor(context: TransfersContext) {
    const { scheduler, random, transferTimeout } = context;
    this.#context = context;
    this.#way = {
      transferTimeout,
      send: (from, to, run) => this.#carry(from, to, run),
      after: (delay, run) => scheduler.after(delay, run),
      onPromiseSettled: () => {
        scheduler.maySettlePromises = true;
      },
      maybeDamage: (bytes) => this.#damage(bytes),
      stallTime: () => random.exponential(STALL_MEAN),
    };
  }

  /** Sends a snapshot for the instance of `scope`. Resolves when the receiver has accepted it. */
  async send(snapshot: SnapshotTransfer, signal: AbortSignal, scope: ProcessScope): Promise<void> {
    const { from, to } = snapshot;
    const receiver = this.#context.endOf(to, from);
    if (receiver === null) throw new Error(`${to} is down or refuses connections of ${from}`);
    await new Promise<void>((resolve, reject) => {
      const settled = (error: Error | null): void => {
        this.#transfers.delete(transfer);
        scope.enter(() => {
          this.#way.onPromiseSettled();
          if (error === null) resolve();
          else reject(error);
        });
      };
      const { chunks, ...header } = snapshot;
      const transfer = new SnapshotTransferRun(header, this.#way, receiver, scope, settled);
      this.#transfers.add(transfer);
      const abort = (): void => transfer.abort(new Error('the sender has aborted the transfer'));
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
      transfer.send(chunks).then(
        () => this.#repeat(transfer, header),
        (error: unknown) => transfer.abort(error instanceof Error ? error : new Error(String(error))),
      );
    });
  }

  /** Ends all transfers of a stopping instance, which notices at once. */
  stop(id: NodeId): void {
    for (const transfer of this.#transfers) {
      if (transfer.from === id) transfer.abort(new Error('the sender has stopped'));
    }
    this.breakConnections(id);
  }

  /** Breaks all connections of a member, or only those with `other`. */
  breakConnections(id: NodeId, other: NodeId | null = null): void {
    for (const transfer of this.#transfers) {
      const ends = [transfer.from, transfer.to];
      if (!ends.includes(id) || (other !== null && !ends.includes(other))) continue;
      this.#transfers.delete(transfer);
      transfer.onConnectionBroken(new Error('the connection was reset'));
    }
  }

  /** A completed transfer may be repeated later. */
  #repeat(transfer: SnapshotTransferRun, header: Omit<SnapshotTransfer, 'chunks'>): void {
    const { random, scheduler, linkOf, endOf } = this.#context;
    const { from, to } = transfer;
    if (!random.chance(linkOf(from, to).duplication)) return;
    scheduler.after(random.below(REPEAT_MAX), () => {
      const receiver = endOf(to, from);
      if (receiver === null) return;
      this.#way.onPromiseSettled();
      void new SnapshotTransferRun(header, this.#way, receiver, null, () => undefined).repeat(
        transfer.pieces,
      );
    });
  }

  #carry(from: NodeId, to: NodeId, run: () => void): boolean {
    const { scheduler, random, linkOf } = this.#context;
    const { cut, loss, delay } = linkOf(from, to);
    // Packet loss rarely breaks a stream; mostly it only slows the stream down.
    if (cut || random.chance(loss / 4)) return false;
    scheduler.after(TRAVEL_MIN + random.exponential(TRAVEL_MEAN + delay), run);
    return true;
  }

  #damage(bytes: Buffer): Buffer {
    const { random, damage } = this.#context;
    if (!random.chance(damage)) return bytes;
    const copy = Buffer.from(bytes);
    const at = random.below(copy.length);
    copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  }
}
