/**
 * A snapshot transfer: a header, chunks with checksums, an end, and the receiver's response. It may be
 * interrupted at any point, and a chunk may be damaged. Each side then notices independently.
 */
import { crc32 } from 'node:zlib';
import type { NodeId, IncomingSnapshot, SnapshotTransfer, TransportHandler } from '@trireme/raft';
import type { Micros } from '../engine/scheduler.js';
import type { ProcessScope } from '../engine/scope.js';

/** A member's end of a transfer. */
export interface TransferEnd {
  readonly scope: ProcessScope;
  readonly handler: TransportHandler;
}

/** The connection between both ends. */
export interface TransferConnection {
  /**
   * Calls `run` when something that is sent now arrives at the other end. Returns false, without calling, if it
   * is lost.
   */
  send(from: NodeId, to: NodeId, run: () => void): boolean;
  /** Calls `run` after `delay`. */
  after(delay: Micros, run: () => void): void;
  /** Must be called when a promise is settled that simulated code may wait for. */
  onPromiseSettled(): void;
  /** Returns a chunk as it arrives, possibly damaged. */
  maybeDamage(bytes: Buffer): Buffer;
  /** Draws the time until an end notices that the connection is broken. */
  stallTime(): Micros;
  /** Time after which the sender aborts the transfer. */
  readonly transferTimeout: Micros;
}

type Piece = { readonly bytes: Buffer; readonly checksum: number } | 'end';

/** Maximum number of chunks that wait at the receiver. */
const WINDOW = 8;

export class SnapshotTransferRun {
  readonly from: NodeId;
  readonly to: NodeId;
  /** Everything that was sent, for a repeated transfer. */
  readonly pieces: Piece[] = [];
  readonly #snapshot: Omit<SnapshotTransfer, 'chunks'>;
  readonly #way: TransferConnection;
  readonly #receiver: TransferEnd;
  readonly #sender: ProcessScope | null;
  readonly #arrived: Piece[] = [];
  #wake: () => void = () => undefined;
  #taken: (() => void) | null = null;
  #broken: Error | null = null;
  #isOver = false;
  readonly #settled: (error: Error | null) => void;

  /**
   * @param sender the instance that sends; null if the network repeats an earlier transfer
   * @param settled called once with the result that the sender learns: null if the receiver has accepted the snapshot
   */
  constructor(
    snapshot: Omit<SnapshotTransfer, 'chunks'>,
    way: TransferConnection,
    receiver: TransferEnd,
    sender: ProcessScope | null,
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

  /** Whether the transfer has ended at the sender. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Sends all chunks, each one after the previous one has arrived. */
  async send(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#way.after(this.#way.transferTimeout, () => this.abort(new Error('the transfer timed out')));
    await this.#carry(() => this.#open());
    for await (const chunk of chunks) {
      if (this.#isOver) return;
      const bytes = Buffer.from(chunk);
      await this.#pass({ bytes, checksum: crc32(bytes) });
      if (this.#arrived.length >= WINDOW) await this.#room();
    }
    if (!this.#isOver) await this.#pass('end');
  }

  /** Sends everything that an earlier transfer has sent. */
  async repeat(pieces: readonly Piece[]): Promise<void> {
    await this.#carry(() => this.#open());
    for (const piece of pieces) if (!this.#isOver) await this.#pass(piece);
  }

  /** The sender aborts the transfer; the receiver notices later. */
  abort(error: Error): void {
    if (this.#isOver) return;
    this.#end(error);
    this.#way.after(this.#way.stallTime(), () => this.#break(error));
  }

  /** The connection has broken; each side notices independently. */
  onConnectionBroken(error: Error): void {
    this.#way.after(this.#way.stallTime(), () => this.#end(error));
    this.#way.after(this.#way.stallTime(), () => this.#break(error));
  }

  async #pass(piece: Piece): Promise<void> {
    this.pieces.push(piece);
    await this.#carry(() => {
      if (piece === 'end') this.#arrived.push(piece);
      else this.#arrived.push({ ...piece, bytes: this.#way.maybeDamage(piece.bytes) });
      this.#wake();
    });
  }

  /** Calls `arrive` at the receiver and resolves then. Never resolves if the connection breaks. */
  async #carry(arrive: () => void): Promise<void> {
    await new Promise<void>((resolve) => {
      const isSent = this.#way.send(this.from, this.to, () => {
        this.#receiver.scope.enter(() => {
          this.#way.onPromiseSettled();
          arrive();
        });
        this.#resumeSender(resolve);
      });
      if (!isSent) this.onConnectionBroken(new Error('the connection is broken'));
    });
  }

  /** Resolves when the sender learns that the receiver has consumed a chunk. */
  async #room(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#taken = () => {
        this.#taken = null;
        const isSent = this.#way.send(this.to, this.from, () => this.#resumeSender(resolve));
        if (!isSent) this.onConnectionBroken(new Error('the connection is broken'));
      };
    });
  }

  #resumeSender(resolve: () => void): void {
    const resume = (): void => {
      this.#way.onPromiseSettled();
      resolve();
    };
    if (this.#sender === null) resume();
    else this.#sender.enter(resume);
  }

  #open(): void {
    const incoming: IncomingSnapshot = {
      ...this.#snapshot,
      chunks: this.#chunks(),
      cancel: () => {
        this.#way.onPromiseSettled();
        this.#break(new Error('cancelled'));
      },
    };
    const answer = (error: Error | null): void => {
      const isSent = this.#way.send(this.to, this.from, () => this.#end(error));
      if (!isSent) this.onConnectionBroken(new Error('the response was lost'));
    };
    this.#receiver.handler.onSnapshot(incoming).then(
      () => answer(null),
      (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
    );
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#arrived.shift();
      if (piece === 'end') return;
      if (piece !== undefined) {
        if (crc32(piece.bytes) !== piece.checksum) throw new Error('wrong checksum of a chunk');
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
      this.#way.onPromiseSettled();
      this.#wake();
    });
  }
}
