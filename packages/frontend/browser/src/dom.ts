/** Helpers that find, create and update elements of the document. */

const SVG = 'http://www.w3.org/2000/svg';

/** The element with this id. @throws Error if the page has no such element. */
export function byId(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no element #${id}`);
  return element;
}

/** The SVG element with this id. @throws Error if the page has no such element. */
export function svgById(id: string): SVGSVGElement {
  const element = document.getElementById(id) as unknown;
  if (!(element instanceof SVGSVGElement)) throw new Error(`the page has no SVG element #${id}`);
  return element;
}

/** Sets text only if it changes, so that screen readers do not repeat it and a selection in it stays. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function setAttributes(element: Element, attributes: Readonly<Record<string, string | number>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/** An SVG picture with named parts. Redrawing updates existing parts, so that their animations continue. */
export class SvgScene {
  readonly #root: SVGSVGElement;
  readonly #parts = new Map<string, Element>();
  #drawn = new Set<string>();

  constructor(root: SVGSVGElement) {
    this.#root = root;
  }

  /** Draws one part. A new part is drawn above all existing ones. */
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

  /** Removes all parts that were not drawn since the last call. */
  finish(): void {
    for (const [key, part] of this.#parts) {
      if (this.#drawn.has(key)) continue;
      part.remove();
      this.#parts.delete(key);
    }
    this.#drawn = new Set();
  }

  /** Removes all parts. */
  clear(): void {
    this.finish();
    this.finish();
  }
}

/**
 * Rows of a table or list by key. Each is created once and then updated, so that focus and selection stay and
 * new rows can be highlighted.
 */
export class KeyedRows<Item> {
  readonly #body: Element;
  readonly #keyOf: (item: Item) => string;
  readonly #create: () => Element;
  readonly #fill: (row: Element, item: Item) => void;
  readonly #rows = new Map<string, Element>();
  #isFirst = true;

  constructor(options: {
    readonly body: Element;
    readonly keyOf: (item: Item) => string;
    readonly make: () => Element;
    readonly fill: (row: Element, item: Item) => void;
  }) {
    this.#body = options.body;
    this.#keyOf = options.keyOf;
    this.#create = options.make;
    this.#fill = options.fill;
  }

  /** Shows these items in this order. */
  show(items: readonly Item[]): void {
    const keys = new Set(items.map(this.#keyOf));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    let next = this.#body.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      const row = this.#rows.get(key) ?? this.#add(key);
      this.#fill(row, item);
      if (row === next) next = next.nextElementSibling;
      else this.#body.insertBefore(row, next);
    }
    this.#isFirst = false;
  }

  #add(key: string): Element {
    const row = this.#create();
    if (!this.#isFirst) row.classList.add('new');
    this.#rows.set(key, row);
    return row;
  }
}

/** Creates a table row with one cell for each class name. The first cell is a row header. */
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
