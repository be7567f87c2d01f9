/**
 * The parts that states are made of. Equal parts are one object (hash consing), and what the rules make of a part is worked
 * out once, however many states it stands in.
 */

/** A value of which there is only one, with a number of its own. It must not be changed. */
export interface Part<S> {
  readonly number: number;
  readonly value: S;
}

export interface PartResult<S, E> {
  readonly value: S;
  readonly effects: readonly E[];
}

/** Something that may be done to a part. Equal calls are one object. */
export interface Call<S, E> {
  readonly number: number;
  /** Returns a new value and leaves the old one as it was. */
  readonly act: (value: S) => PartResult<S, E>;
}

/** What became of a part, and what that means for other parts. */
interface PartStep<S, R> {
  readonly part: Part<S>;
  readonly effects: readonly R[];
}

/**
 * @typeParam S the value of a part
 * @typeParam E the effects of a call, as the rules give them
 * @typeParam R the same effects, ready to be passed on to other parts
 */
export class Parts<S extends object, E, R> {
  readonly #route: (effect: E) => R;
  readonly #byText = new Map<string, Part<S>>();
  readonly #byNumber: Part<S>[] = [];
  readonly #steps: Map<number, PartStep<S, R>>[] = [];
  readonly #calls = new Map<string, Call<S, E>>();

  readonly #write: (value: S) => string;

  /** @param text of a value: equal for equal values, and for no others */
  constructor(route: (effect: E) => R, text: (value: S) => string = write) {
    this.#route = route;
    this.#write = text;
  }

  /** The one part that is equal to this value. */
  of(value: S): Part<S> {
    const text = this.#write(value);
    let part = this.#byText.get(text);
    if (part === undefined) {
      part = { number: this.#byNumber.length, value };
      this.#byText.set(text, part);
      this.#byNumber.push(part);
      this.#steps.push(new Map());
    }
    return part;
  }

  at(number: number): Part<S> {
    const part = this.#byNumber[number];
    if (part === undefined) throw new Error(`no part ${number}`);
    return part;
  }

  /** @param text tells calls apart: the first `act` with this text stands for all */
  call(text: string, act: (value: S) => PartResult<S, E>): Call<S, E> {
    let call = this.#calls.get(text);
    if (call === undefined) {
      call = { number: this.#calls.size, act };
      this.#calls.set(text, call);
    }
    return call;
  }

  step({ number, value }: Part<S>, call: Call<S, E>): PartStep<S, R> {
    const steps = this.#steps[number];
    if (steps === undefined) throw new Error(`no part ${number}`);
    let step = steps.get(call.number);
    if (step === undefined) {
      const result = call.act(value);
      step = { part: this.of(result.value), effects: result.effects.map(this.#route) };
      steps.set(call.number, step);
    }
    return step;
  }
}

/** Something that is worked out once for each part. */
export class Memo<S, T> {
  readonly #known: (T | undefined)[] = [];
  readonly #work: (value: S) => T;

  constructor(work: (value: S) => T) {
    this.#work = work;
  }

  of({ number, value }: Part<S>): T {
    let known = this.#known[number];
    if (known === undefined) {
      known = this.#work(value);
      this.#known[number] = known;
    }
    return known;
  }
}

/** Texts of objects that stand in many parts and are never changed. */
const TEXTS = new WeakMap<object, string>();

/** The same as `write`, for an object that is not changed any more. */
export function writeOnce(value: object): string {
  let text = TEXTS.get(value);
  if (text === undefined) {
    text = write(value);
    TEXTS.set(value, text);
  }
  return text;
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
