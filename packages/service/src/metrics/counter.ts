/** Counts rare events by labels, for metrics that have no other source. */

type Labels = Readonly<Record<string, string>>;

/** Maximum number of label sets. Events with further sets are counted together with the label value `other`. */
const SETS_MAX = 256;

/** Counts by label set, as the value of a counter metric. */
export class Counter {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>();

  /** Counts one event. Label values must come from a small fixed set, never from untrusted input. */
  increment(labels: Labels): void {
    const text = JSON.stringify(labels);
    const known = this.#counts.get(text);
    if (known !== undefined) known.count += 1;
    else if (this.#counts.size < SETS_MAX) this.#counts.set(text, { labels, count: 1 });
    else this.#addOther(labels);
  }

  /** Each label set with its count. */
  *[Symbol.iterator](): Generator<readonly [Labels, number]> {
    for (const { labels, count } of this.#counts.values()) yield [labels, count];
  }

  #addOther(labels: Labels): void {
    const others = Object.fromEntries(Object.keys(labels).map((name) => [name, 'other']));
    const text = JSON.stringify(others);
    const known = this.#counts.get(text);
    if (known === undefined) this.#counts.set(text, { labels: others, count: 1 });
    else known.count += 1;
  }
}
