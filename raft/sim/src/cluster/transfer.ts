/**
 * One snapshot on its way: a header, pieces with checksums one after another, an end, and the receiver's answer. It may be
 * cut off between any two of them, and a piece may be damaged; each side then learns of it in its own time.
 */
import { crc32 } from 'node:zlib';
import type { NodeId } from '#raft/core/types.js';
import type { IncomingSnapshot, SnapshotTransfer, TransportHandler } from '#raft/transport/transport.js';
import type { Micros } from '../engine/scheduler.js';
import type { Scope } from '../engine/scope.js';

/** A member's end of it. */
export interface End {
  readonly scope: Scope;
  readonly handler: TransportHandler;
}

/** The way between both ends, as the network has it. */
export interface Way {
  /** Has `run` happen when what is sent now from one end arrives at the other; never, if it is lost. */
  carry(from: NodeId, to: NodeId, run: () => void): boolean;
  /** Has `run` happen after `delay`. */
  after(delay: Micros, run: () => void): void;
  /** A promise that simulated code waits for is settled now. */
  woken(): void;
  /** What a piece looks like when it arrives. */
  damaged(bytes: Buffer): Buffer;
  /** How long it takes until an end notices that nothing comes any more. */
  stallTime(): Micros;
  /** How long a sender waits for it all. */
  readonly patience: Micros;
}

type Piece = { readonly bytes: Buffer; readonly checksum: number } | 'end';

/** Pieces that may wait at the receiver; further ones are not made before it takes some. */
const WINDOW = 8;

export class Transfer {
  readonly from: NodeId;
  readonly to: NodeId;
  /** What was sent, for one who repeats it. */
  readonly pieces: Piece[] = [];
  readonly #snapshot: Omit<SnapshotTransfer, 'chunks'>;
  readonly #way: Way;
  readonly #receiver: End;
  readonly #sender: Scope | null;
  readonly #arrived: Piece[] = [];
  #wake: () => void = () => undefined;
  #taken: (() => void) | null = null;
  #broken: Error | null = null;
  #isOver = false;
  readonly #settled: (error: Error | null) => void;

  /**
   * @param sender the life that sends it; null for what the network repeats by itself
   * @param settled called once, when the sender knows; with null if the receiver has taken it
   */
  constructor(
    snapshot: Omit<SnapshotTransfer, 'chunks'>,
    way: Way,
    receiver: End,
    sender: Scope | null,
    settled: (error: Error | null) => void,
  ) {
    this.from = snapshot.from;
    this.to = snapshot.to;
    this.#snapshot = snapshot;
    this.#way = way;
    this.#receiver = receiver;
    this.#sender = sender;
    this.#settled = settled;
  }

  /** Whether nothing of it happens any more at the sender. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends it all, piece by piece, each when the one before has arrived. */
  async send(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#way.after(this.#way.patience, () => this.giveUp(new Error('no answer')));
    await this.#carry(() => this.#open());
    for await (const chunk of chunks) {
      if (this.#isOver) return;
      const bytes = Buffer.from(chunk);
      await this.#pass({ bytes, checksum: crc32(bytes) });
      if (this.#arrived.length >= WINDOW) await this.#room();
    }
    if (!this.#isOver) await this.#pass('end');
  }

  /** Sends again what an earlier one has sent. */
  async repeat(pieces: readonly Piece[]): Promise<void> {
    await this.#carry(() => this.#open());
    for (const piece of pieces) if (!this.#isOver) await this.#pass(piece);
  }

  /** The sender gives it up; the receiver notices. */
  giveUp(error: Error): void {
    if (this.#isOver) return;
    this.#end(error);
    this.#way.after(this.#way.stallTime(), () => this.#break(error));
  }

  /** The connection is gone: each side notices by itself. */
  cut(error: Error): void {
    this.#way.after(this.#way.stallTime(), () => this.#end(error));
    this.#way.after(this.#way.stallTime(), () => this.#break(error));
  }

  async #pass(piece: Piece): Promise<void> {
    this.pieces.push(piece);
    await this.#carry(() => {
      if (piece === 'end') this.#arrived.push(piece);
      else this.#arrived.push({ ...piece, bytes: this.#way.damaged(piece.bytes) });
      this.#wake();
    });
  }

  /** Has `arrive` happen at the receiver, and goes on then; never if the way is cut. */
  async #carry(arrive: () => void): Promise<void> {
    await new Promise<void>((resolve) => {
      const isOnItsWay = this.#way.carry(this.from, this.to, () => {
        this.#receiver.scope.enter(() => {
          this.#way.woken();
          arrive();
        });
        this.#senderGoesOn(resolve);
      });
      if (!isOnItsWay) this.cut(new Error('the way is cut'));
    });
  }

  /** Resolves when the receiver has taken a piece, and the sender knows. */
  async #room(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#taken = () => {
        this.#taken = null;
        const isOnItsWay = this.#way.carry(this.to, this.from, () => this.#senderGoesOn(resolve));
        if (!isOnItsWay) this.cut(new Error('the way back is cut'));
      };
    });
  }

  #senderGoesOn(resolve: () => void): void {
    const goOn = (): void => {
      this.#way.woken();
      resolve();
    };
    if (this.#sender === null) goOn();
    else this.#sender.enter(goOn);
  }

  #open(): void {
    const incoming: IncomingSnapshot = {
      ...this.#snapshot,
      chunks: this.#chunks(),
      cancel: () => {
        this.#way.woken();
        this.#break(new Error('cancelled'));
      },
    };
    const answer = (error: Error | null): void => {
      const isOnItsWay = this.#way.carry(this.to, this.from, () => this.#end(error));
      if (!isOnItsWay) this.cut(new Error('the answer is lost'));
    };
    this.#receiver.handler.snapshot(incoming).then(
      () => answer(null),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#arrived.shift();
      if (piece === 'end') return;
      if (piece !== undefined) {
        if (crc32(piece.bytes) !== piece.checksum) throw new Error('a damaged piece');
        this.#taken?.();
        yield piece.bytes;
        continue;
      }
      if (this.#broken !== null) throw this.#broken;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  #end(error: Error | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settled(error);
  }

  #break(error: Error): void {
    this.#receiver.scope.enter(() => {
      this.#broken ??= error;
      this.#way.woken();
      this.#wake();
    });
  }
}
