/**
 * The parts that worlds are made of. Equal parts are one object (hash consing), and what the rules make of a part is
 * worked out once, however many worlds it stands in.
 */

/** A value of which there is only one, with a number of its own. It must not be changed. */
export interface Part<S> {
  readonly number: number;
  readonly value: S;
}

/** What became of a part, and what that means for the rest of the world. */
interface PartStep<S, E> {
  readonly part: Part<S>;
  readonly effects: readonly E[];
}

interface Known<S, E> extends Part<S> {
  readonly steps: Map<string, PartStep<S, E>>;
}

export class Parts<S extends object, E> {
  readonly #byText = new Map<string, Known<S, E>>();

  get count(): number {
    return this.#byText.size;
  }

  /** The one part that is equal to this value. */
  of(value: S): Part<S> {
    return this.#of(value);
  }

  /**
   * What `act` makes of a part.
   * @param call tells calls apart: of one part, equal texts are equal calls
   * @param act returns a new value and leaves the old one as it was
   */
  step(part: Part<S>, call: string, act: (value: S) => { value: S; effects: readonly E[] }): PartStep<S, E> {
    const { steps } = this.#of(part.value);
    const known = steps.get(call);
    if (known !== undefined) return known;
    const { value, effects } = act(part.value);
    const result = { part: this.#of(value), effects };
    steps.set(call, result);
    return result;
  }

  readonly #byValue = new WeakMap<S, Known<S, E>>();

  #of(value: S): Known<S, E> {
    const same = this.#byValue.get(value);
    if (same !== undefined) return same;
    const text = write(value);
    let known = this.#byText.get(text);
    if (known === undefined) {
      known = { number: this.#byText.size, value, steps: new Map() };
      this.#byText.set(text, known);
      this.#byValue.set(value, known);
    }
    return known;
  }
}

/** A text that is equal for equal values. The order in a map or set does not count. */
export function write(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => `${write(key)}:${write(one)}`);
    return `{${entries.sort().join(',')}}`;
  }
  if (value instanceof Set) return `{${[...value].map(write).sort().join(',')}}`;
  const fields = Object.entries(value).map(([key, one]) => `${key}:${write(one)}`);
  return `(${fields.join(',')})`;
}
