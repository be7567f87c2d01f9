/** A bounded buffer of lines. It drops lines that do not fit, and puts a line with their number in their place. */
export class LineBuffer {
  readonly #lengthMax: number;
  readonly #describeLost: (lines: number) => string;
  #lines: string[] = [];
  #length = 0;
  /** Dropped lines that no line has reported yet. */
  #unreported = 0;
  #lost = 0;

  /**
   * @param lengthMax maximum number of characters in the buffer
   * @param describeLost formats the line that reports a number of dropped lines
   */
  constructor(lengthMax: number, describeLost: (lines: number) => string) {
    this.#lengthMax = lengthMax;
    this.#describeLost = describeLost;
  }

  /** Number of dropped lines. */
  get droppedLines(): number {
    return this.#lost;
  }

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#unreported === 0;
  }

  /** Adds a line, given without its line break. */
  push(line: string): void {
    if (this.#length + line.length > this.#lengthMax) {
      this.#lost += 1;
      this.#unreported += 1;
      return;
    }
    // Report the dropped lines in their place, before this line.
    this.#reportLost();
    this.#lines.push(line);
    this.#length += line.length;
  }

  /** Empties the buffer and returns its text, with a line break after each line. */
  take(): string {
    this.#reportLost();
    const lines = this.#lines;
    this.#lines = [];
    this.#length = 0;
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #reportLost(): void {
    if (this.#unreported === 0) return;
    this.#lines.push(this.#describeLost(this.#unreported));
    this.#unreported = 0;
  }
}
