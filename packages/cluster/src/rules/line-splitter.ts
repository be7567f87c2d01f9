/** Cuts a stream of text into lines of bounded length, so that a child cannot fill its supervisor's memory. */
export class LineSplitter {
  readonly #lengthMax: number;
  #partial = '';
  /** Whether the rest of the current line is to be dropped. */
  #overlong = false;

  /** @param lengthMax characters of a line at most; of a longer one the first are kept, with a mark. */
  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax;
  }

  /** Takes text, gives the lines that it completes. */
  push(text: string): string[] {
    const pieces = text.split('\n');
    const rest = pieces.pop() ?? '';
    const lines: string[] = [];
    for (const piece of pieces) {
      this.#take(piece);
      lines.push(...this.end());
    }
    this.#take(rest);
    return lines;
  }

  /** Gives the line that has begun, if any: for the end of the stream. */
  end(): string[] {
    const line = this.#overlong ? `${this.#partial} [cut]` : this.#partial;
    this.#partial = '';
    this.#overlong = false;
    return line === '' ? [] : [line];
  }

  #take(piece: string): void {
    const room = this.#lengthMax - this.#partial.length;
    if (piece.length > room) this.#overlong = true;
    this.#partial += piece.slice(0, room);
  }
}
