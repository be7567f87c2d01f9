/**
 * Places orders. Each submit generates one idempotency key and retries with it until the outcome is known, so
 * that neither a lost response nor a second click can create a second order.
 */
import { byId, setText } from './dom.js';

/** Attempts for one order, over about 20 seconds. Then the user decides whether to retry with the same key. */
const ATTEMPTS_MAX = 8;
const WAIT_MS_MIN = 250;
const WAIT_MS_MAX = 4_000;
/** Time limit of one attempt, in milliseconds; longer than the deadline of the server. */
const RESPONSE_MS_MAX = 15_000;

interface OrderRequest {
  readonly name: string;
  readonly type: string;
  readonly quantity: number;
}

/** An order whose outcome is not known yet. */
interface OpenOrder {
  readonly key: string;
  readonly order: OrderRequest;
}

/** The result of one attempt: an outcome, or a reason to retry. */
type Attempt =
  | { readonly end: 'filled'; readonly number: number }
  | { readonly end: 'refused'; readonly why: string }
  | { readonly end: null; readonly why: string };

export class OrderForm {
  readonly #form: HTMLFormElement;
  readonly #result = byId('order-result');
  readonly #button: HTMLButtonElement;
  #open: OpenOrder | null = null;
  #isBusy = false;

  constructor() {
    const form = byId('order-form');
    const button = form.querySelector('button');
    if (!(form instanceof HTMLFormElement) || button === null) throw new Error('the page has no order form');
    this.#form = form;
    this.#button = button;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit();
    });
    // A change of the form starts a new order. The outcome of the open one can be found in the list of orders.
    this.#form.addEventListener('input', () => this.#discardOpen());
  }

  /** Fills in a stock and focuses the quantity. */
  choose(name: string): void {
    if (this.#isBusy) return;
    this.#discardOpen();
    this.#field('name').value = name;
    const quantity = this.#field('quantity');
    quantity.focus();
    quantity.select();
  }

  #discardOpen(): void {
    if (this.#isBusy || this.#open === null) return;
    this.#open = null;
    setText(this.#button, 'Place order');
  }

  async #submit(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#button.setAttribute('aria-disabled', 'true');
    const open = this.#open ?? { key: makeKey(), order: this.#read() };
    const { type, quantity, name } = open.order;
    this.#showResult('pending', `Placing order: ${type} ${quantity} ${name}…`);
    try {
      this.#open = (await this.#placeUntilKnown(open)) ? null : open;
    } finally {
      this.#isBusy = false;
      this.#button.removeAttribute('aria-disabled');
      setText(this.#button, this.#open === null ? 'Place order' : 'Retry');
    }
  }

  /** Retries until the outcome is known or the attempts are used up. @returns whether it is known. */
  async #placeUntilKnown(open: OpenOrder): Promise<boolean> {
    const { type, quantity, name } = open.order;
    let why = '';
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const answer = await place(open);
      if (answer.end === 'filled') {
        this.#showResult('good', `Order ${answer.number} filled: ${type} ${quantity} ${name}.`);
        return true;
      }
      if (answer.end === 'refused') {
        this.#showResult('bad', `Refused: ${answer.why}.`);
        return true;
      }
      why = answer.why;
      this.#showResult('pending', `No result yet (${why}); retrying with the same key…`);
      await delay(Math.min(WAIT_MS_MAX, WAIT_MS_MIN * 2 ** attempt));
    }
    this.#showResult('bad', `The outcome is not known: ${why}. “Retry” cannot create a second order.`);
    return false;
  }

  #read(): OrderRequest {
    const data = new FormData(this.#form);
    const text = (name: string): string => {
      const value = data.get(name);
      return typeof value === 'string' ? value : '';
    };
    return { name: text('name').trim(), type: text('type'), quantity: Number(text('quantity')) };
  }

  #field(name: string): HTMLInputElement {
    const field = this.#form.elements.namedItem(name);
    if (!(field instanceof HTMLInputElement)) throw new Error(`the form has no ${name}`);
    return field;
  }

  #showResult(tone: string, text: string): void {
    this.#result.className = tone;
    setText(this.#result, text);
  }
}

async function place({ key, order }: OpenOrder): Promise<Attempt> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch('/orders', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': key },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(RESPONSE_MS_MAX),
    });
    body = await response.json();
  } catch {
    return { end: null, why: 'the front-end cannot be reached' };
  }
  if (response.ok) return { end: 'filled', number: numberIn(body) };
  const why = messageIn(body) ?? `status ${response.status}`;
  return response.status >= 500 || response.status === 429 ? { end: null, why } : { end: 'refused', why };
}

function numberIn(body: unknown): number {
  const { data } = body as { readonly data: { readonly transaction_number: number } };
  return data.transaction_number;
}

function messageIn(body: unknown): string | null {
  if (typeof body !== 'object' || body === null || !('error' in body)) return null;
  const { message } = body.error as { readonly message?: unknown };
  return typeof message === 'string' ? message : null;
}

/**
 * A key of 128 random bits. `crypto.randomUUID` needs a secure context, which plain HTTP in a local network
 * is not.
 */
function makeKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `dashboard-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

async function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
