/** The few things that are done with the document, so that nothing else need look for elements or build them. */

const SVG = 'http://www.w3.org/2000/svg';

/** The element of the page with this id. @throws Error if the page is not the one that this script belongs to. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
}

/** An SVG element of the page. */
export function svgById(id: string): SVGSVGElement {
  const element = document.getElementById(id) as unknown;
  if (!(element instanceof SVGSVGElement)) throw new Error(`the page has no picture #${id}`);
  return element;
}

/** Writes text only where it changes: what stands still is not read out again, and a selection in it stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function setAttributes(element: Element, attributes: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** A picture whose parts have names: drawing again moves what is there, so that animations and transitions go on. */
export class Scene {
  readonly #root: SVGSVGElement;
  readonly #parts = new Map<string, Element>();
  #drawn = new Set<string>();

  constructor(root: SVGSVGElement) {
    this.#root = root;
  }

  /** Draws one part. Parts lie above those that were new before them. */
  put(key: string, tag: string, attributes: Readonly<Record<string, string | number>>, text?: string): void {
    let part = this.#parts.get(key);
    if (part === undefined) {
      part = document.createElementNS(SVG, tag);
      this.#parts.set(key, part);
      this.#root.append(part);
    }
    setAttributes(part, attributes);
    if (text !== undefined) setText(part, text);
    this.#drawn.add(key);
  }

  /** Takes away what was not drawn since the last call. */
  finish(): void {
    for (const [key, part] of this.#parts) {
      if (this.#drawn.has(key)) continue;
      part.remove();
      this.#parts.delete(key);
    }
    this.#drawn = new Set();
  }

  /** Takes everything away, for a picture of another shape. */
  clear(): void {
    this.finish();
    this.finish();
  }
}

/**
 * Rows of a table or list by key: each is made once and then kept up to date, so that focus and selection stay, and a row
 * that is new can be seen to be.
 */
export class Rows<Item> {
  readonly #body: Element;
  readonly #keyOf: (item: Item) => string;
  readonly #make: () => Element;
  readonly #fill: (row: Element, item: Item) => void;
  readonly #rows = new Map<string, Element>();
  #isFirst = true;

  constructor(o: {
    readonly body: Element;
    readonly keyOf: (item: Item) => string;
    readonly make: () => Element;
    readonly fill: (row: Element, item: Item) => void;
  }) {
    this.#body = o.body;
    this.#keyOf = o.keyOf;
    this.#make = o.make;
    this.#fill = o.fill;
  }

  /** Shows these items in this order. */
  show(items: readonly Item[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let place = this.#body.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      const row = this.#rows.get(key) ?? this.#add(key);
      this.#fill(row, item);
      if (row === place) place = place.nextElementSibling;
      else this.#body.insertBefore(row, place);
    }
    this.#isFirst = false;
  }

  #add(key: string): Element {
    const row = this.#make();
    if (!this.#isFirst) row.classList.add('new');
    this.#rows.set(key, row);
    return row;
  }
}

/** Makes a table row with one cell for each of the classes, the first one a row header. */
export function rowOf(classes: readonly string[]): HTMLTableRowElement {
  const row = document.createElement('tr');
  for (const [at, name] of classes.entries()) {
    const cell = document.createElement(at === 0 ? 'th' : 'td');
    if (at === 0) cell.setAttribute('scope', 'row');
    if (name !== '') cell.className = name;
    row.append(cell);
  }
  return row;
}

/** Fills the cells of a row with text, from the left. */
export function fillCells(row: Element, texts: readonly string[]): void {
  for (const [at, text] of texts.entries()) {
    const cell = row.children[at];
    if (cell !== undefined) setText(cell, text);
  }
}
