/** What the book knows of a key: the command that came with it, and what became of it. */
import { assertRule, decodeBatch } from '@trireme/domain';
import type { BookReader, KnownCommand } from './state.js';

/**
 * Decoded batches kept at most; at the bound the one that was used longest ago goes. After an outage the clients of one
 * batch all ask again, and the batch must not be decoded for each of them.
 */
const DECODED_MAX = 16;

export class IdempotencyIndex {
  readonly #reader: BookReader;
  /** By `seq`; a batch never changes. */
  readonly #decoded = new Map<number, readonly KnownCommand[]>();

  constructor(reader: BookReader) {
    this.#reader = reader;
  }

  /**
   * Finds what became of the command with `key`, null if the book does not know the key.
   * @throws InvariantError if the key stands in a batch that is gone.
   */
  find(key: string): KnownCommand | null {
    const place = this.#reader.place(key);
    if (place === null) return null;
    const known = this.#batch(place.seq)?.[place.position];
    if (known !== undefined) return known;
    // The two records are read one by one: a write may have forgotten the key, with its batch, between two of them.
    assertRule(this.#reader.place(key)?.seq !== place.seq, `key ${key} stands in a batch that is gone`);
    return null;
  }

  #batch(seq: number): readonly KnownCommand[] | null {
    const commands = this.#decoded.get(seq) ?? this.#decode(seq);
    if (commands === null) return null;
    this.#decoded.delete(seq);
    this.#decoded.set(seq, commands);
    const [eldest] = this.#decoded.keys();
    if (this.#decoded.size > DECODED_MAX && eldest !== undefined) this.#decoded.delete(eldest);
    return commands;
  }

  #decode(seq: number): readonly KnownCommand[] | null {
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
