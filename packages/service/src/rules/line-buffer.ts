/** Lines that wait to be written, in bounded room: what finds none is left out, and counted for a line that says so. */
export class LineBuffer {
  readonly #lengthMax: number;
  readonly #describeLost: (lines: number) => string;
  #lines: string[] = [];
  #length = 0;
  #untold = 0;
  #lost = 0;

  /**
   * @param lengthMax characters that wait at most
   * @param describeLost a line that stands for so many that were left out
   */
  constructor(lengthMax: number, describeLost: (lines: number) => string) {
    this.#lengthMax = lengthMax;
    this.#describeLost = describeLost;
  }

  /** Lines that were left out so far. */
  get lost(): number {
    return this.#lost;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#untold === 0;
  }

  /** Takes a line without its end. */
  push(line: string): void {
    if (this.#length + line.length > this.#lengthMax) {
      this.#lost += 1;
      this.#untold += 1;
      return;
    }
    // What was left out before this line is told where it is missing.
    this.#tellLost();
    this.#lines.push(line);
    this.#length += line.length;
  }

  /** Gives all that waits, as text with an end after each line; nothing waits then. */
  take(): string {
    this.#tellLost();
    const lines = this.#lines;
    this.#lines = [];
    this.#length = 0;
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #tellLost(): void {
    if (this.#untold === 0) return;
    this.#lines.push(this.#describeLost(this.#untold));
    this.#untold = 0;
  }
}
