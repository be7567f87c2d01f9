/** Reads bytes in LevelDB's encoding: little-endian varints, and slices prefixed with a varint length. */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /**
   * Reads a whole number below 2^53.
   * @throws RangeError if the bytes end inside it or it is larger.
   */
  readVarint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.take(1).readUInt8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80 && Number.isSafeInteger(value)) return value;
    }
    throw new RangeError('varint is longer than 53 bits');
  }

  /** Reads a length and that many bytes, as a view. */
  slice(): Buffer {
    return this.take(this.readVarint());
  }

  /**
   * Reads `length` bytes, as a view.
   * @throws RangeError if there are fewer.
   */
  take(length: number): Buffer {
    const end = this.#offset + length;
    if (end > this.#bytes.length) {
      const left = this.#bytes.length - this.#offset;
      throw new RangeError(`cannot read ${length} bytes at offset ${this.#offset}: only ${left} are left`);
    }
    const taken = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return taken;
  }
}
