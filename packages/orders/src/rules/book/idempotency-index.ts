/** Finds the command that was logged with an idempotency key, and its outcome. */
import { assertInvariant, decodeBatch } from '@trireme/domain';
import type { BookReader, RecordedCommand } from './state.js';

/**
 * Maximum number of decoded batches in the cache; the least recently used one is evicted. After an outage all
 * clients of one batch retry, and the batch must not be decoded for each of them.
 */
const DECODED_MAX = 16;

export class IdempotencyIndex {
  readonly #reader: BookReader;
  /** By `seq`; a batch never changes. */
  readonly #decoded = new Map<number, readonly RecordedCommand[]>();

  constructor(reader: BookReader) {
    this.#reader = reader;
  }

  /**
   * Returns the command with `key` and its outcome, null if the book does not know the key.
   * @throws InvariantError if the batch of the key is missing.
   */
  find(key: string): RecordedCommand | null {
    const place = this.#reader.positionOf(key);
    if (place === null) return null;
    const known = this.#batch(place.seq)?.[place.position];
    if (known !== undefined) return known;
    // The two records are read separately: a write in between may have dropped the key together with its batch.
    assertInvariant(
      this.#reader.positionOf(key)?.seq !== place.seq,
      `key ${key} belongs to a batch that is missing`,
    );
    return null;
  }

  #batch(seq: number): readonly RecordedCommand[] | null {
    const commands = this.#decoded.get(seq) ?? this.#decode(seq);
    if (commands === null) return null;
    this.#decoded.delete(seq);
    this.#decoded.set(seq, commands);
    const [eldest] = this.#decoded.keys();
    if (this.#decoded.size > DECODED_MAX && eldest !== undefined) this.#decoded.delete(eldest);
    return commands;
  }

  #decode(seq: number): readonly RecordedCommand[] | null {
    const batch = this.#reader.batch(seq);
    if (batch === null) return null;
    const { index, outcomes, firstNumber, bytes } = batch;
    let number = firstNumber - 1;
    return decodeBatch(bytes).commands.map((command, position) => {
      const outcome = outcomes[position] ?? { kind: 'none' };
      if (outcome.kind === 'filled') number += 1;
      return { command, index, outcome, number };
    });
  }
}
