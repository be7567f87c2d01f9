/** Splits a stream of text into lines of bounded length, so that a child cannot exhaust the supervisor's memory. */
export class LineSplitter {
  readonly #lengthMax: number;
  #partial = '';
  /** Whether the current line has exceeded the maximum length. */
  #overlong = false;

  /** @param lengthMax maximum length of a line in characters; a longer line is cut and marked. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Adds text and returns the lines that it completes. */
  push(text: string): string[] {
    const pieces = text.split('\n');
    const partial = pieces.pop() ?? '';
    const lines: string[] = [];
    for (const piece of pieces) {
      this.#append(piece);
      lines.push(...this.end());
    }
    this.#append(partial);
    return lines;
  }

  /** Returns the incomplete last line, if any, at the end of the stream. */
  end(): string[] {
    const line = this.#overlong ? `${this.#partial} [cut]` : this.#partial;
    this.#partial = '';
    this.#overlong = false;
    return line === '' ? [] : [line];
  }

  #append(piece: string): void {
    const room = this.#lengthMax - this.#partial.length;
    if (piece.length > room) this.#overlong = true;
    this.#partial += piece.slice(0, room);
  }
}
