/**
 * The parts of states. Equal parts are one object (hash consing), and the result of a call on a part is
 * computed once, for all states that contain the part.
 */

/** A unique, immutable value with its number. */
export interface Part<S> {
  readonly number: number;
  readonly value: S;
}

export interface PartResult<S, E> {
  readonly value: S;
  readonly effects: readonly E[];
}

/** An operation on a part. Equal calls are one object. */
export interface Call<S, E> {
  readonly number: number;
  /** Returns a new value and does not change the old one. */
  readonly act: (value: S) => PartResult<S, E>;
}

/** Result of a call: the new part, and the effects on other parts. */
interface PartStep<S, R> {
  readonly part: Part<S>;
  readonly effects: readonly R[];
}

/**
 * @typeParam S value of a part
 * @typeParam E effects of a call, as the rules return them
 * @typeParam R the same effects, routed to other parts
 */
export class PartTable<S extends object, E, R> {
  readonly #route: (effect: E) => R;
  readonly #byText = new Map<string, Part<S>>();
  readonly #byNumber: Part<S>[] = [];
  readonly #steps: Map<number, PartStep<S, R>>[] = [];
  readonly #calls = new Map<string, Call<S, E>>();

  readonly #write: (value: S) => string;

  /** @param text canonical text of a value: equal if and only if the values are equal */
  constructor(route: (effect: E) => R, text: (value: S) => string = canonicalText) {
    this.#route = route;
    this.#write = text;
  }

  /** Returns the unique part with this value. */
  intern(value: S): Part<S> {
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

  /** @param text identifies the call: the first `act` with this text is used for all of them */
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
      step = { part: this.intern(result.value), effects: result.effects.map(this.#route) };
      steps.set(call.number, step);
    }
    return step;
  }
}

/** A function of parts that is computed once for each part. */
export class MemoizedFunction<S, T> {
  readonly #results: (T | undefined)[] = [];
  readonly #compute: (value: S) => T;

  constructor(compute: (value: S) => T) {
    this.#compute = compute;
  }

  of({ number, value }: Part<S>): T {
    let result = this.#results[number];
    if (result === undefined) {
      result = this.#compute(value);
      this.#results[number] = result;
    }
    return result;
  }
}

/** Canonical texts of immutable objects that many parts share. */
const TEXTS = new WeakMap<object, string>();

/** Same as `write`, cached, for an immutable object. */
export function cachedCanonicalText(value: object): string {
  let text = TEXTS.get(value);
  if (text === undefined) {
    text = canonicalText(value);
    TEXTS.set(value, text);
  }
  return text;
}

/** Canonical text of a value: equal values have equal texts. The order of maps and sets does not count. */
export function canonicalText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, one]) => `${canonicalText(key)}:${canonicalText(one)}`);
    return `{${entries.sort().join(',')}}`;
  }
  if (value instanceof Set) return `{${[...value].map(canonicalText).sort().join(',')}}`;
  const fields = Object.entries(value).map(([key, one]) => `${key}:${canonicalText(one)}`);
  return `(${fields.join(',')})`;
}
