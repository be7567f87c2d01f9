/** Counts of what happens seldom, by labels: for metrics whose values nobody keeps otherwise. */

type Labels = Readonly<Record<string, string>>;

/** Sets of labels that are counted at most; what comes beyond them is counted together, labelled `other`. */
const SETS_MAX = 256;

export class Tally {
  readonly #counts = new Map<string, { readonly labels: Labels; count: number }>();

  /** Counts one. Labels must come from a small set of words, never from what a stranger sends. */
  add(labels: Labels): void {
    const text = JSON.stringify(labels);
    const known = this.#counts.get(text);
    if (known !== undefined) known.count += 1;
    else if (this.#counts.size < SETS_MAX) this.#counts.set(text, { labels, count: 1 });
    else this.#addOther(labels);
  }

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
