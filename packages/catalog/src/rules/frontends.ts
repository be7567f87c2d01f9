/**
 * The front-ends with an open link: what each asked that is not answered yet, and the frames in which it gets what the rules tell
 * it.
 */
import type { CatalogToFrontend, Session } from '@trireme/coherence';
import { REPORT_NAMES_MAX, REPORT_SESSIONS_MAX, stockToWire, type SessionReport } from '@trireme/domain';
import type { StockTable } from '@trireme/state-machine';
import type { Outbox } from './outbox.js';

/** By the front-end's own ids, of which a look-up and a list may have the same. */
type Question =
  | { readonly kind: 'lookup'; readonly id: number }
  | { readonly kind: 'list'; readonly id: number; readonly after: string; readonly limit: number };

interface Frontend {
  readonly peer: string;
  /** By number. */
  readonly questions: Map<number, Question>;
}

type Answer = Extract<CatalogToFrontend, { readonly t: 'stock' | 'page' | 'unready' }>;

export class Frontends {
  readonly #outbox: Outbox;
  readonly #open = new Map<number, Frontend>();
  #questions = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get links(): readonly number[] {
    return [...this.#open.keys()];
  }

  open(link: number, peer: string): void {
    this.#open.set(link, { peer, questions: new Map() });
  }

  close(link: number): void {
    this.#open.delete(link);
  }

  closeAll(): void {
    this.#open.clear();
  }

  has(link: number): boolean {
    return this.#open.has(link);
  }

  /** Name of the front-end on a link, undefined if the link is not open. */
  peer(link: number): string | undefined {
    return this.#open.get(link)?.peer;
  }

  /** Keeps a question until its answer. Returns its number, which no other question to this catalog has. */
  ask(link: number, question: Question): number {
    this.#questions += 1;
    this.#open.get(link)?.questions.set(this.#questions, question);
    return this.#questions;
  }

  /** Sends what the rules tell a front-end. @param table with the stocks that are visible */
  tell(link: number, message: CatalogToFrontend, table: StockTable): void {
    switch (message.t) {
      case 'lease': {
        // The protocol has whole milliseconds, and a shorter lease is as good.
        const ms = Math.floor(message.ms);
        if (ms > 0) this.#outbox.send(link, { t: 'lease', id: message.id, ms });
        return;
      }
      case 'revoke':
        this.#outbox.send(link, message);
        return;
      case 'stock':
      case 'page':
      case 'unready': {
        const questions = this.#open.get(link)?.questions;
        const question = questions?.get(message.id);
        if (question === undefined) return;
        questions?.delete(message.id);
        this.#answer(link, question, message, table);
      }
    }
  }

  /** @param sessions those of the rules */
  report(sessions: Iterable<Session>, now: number): readonly SessionReport[] {
    const reports: SessionReport[] = [];
    for (const { link, leaseUntil, held } of sessions) {
      const peer = this.peer(link);
      if (peer === undefined) continue;
      if (reports.length === REPORT_SESSIONS_MAX) break;
      const leaseMs = Math.max(0, Math.round(leaseUntil - now));
      reports.push({ peer, leaseMs, names: firstOf(held, REPORT_NAMES_MAX) });
    }
    return reports;
  }

  #answer(link: number, question: Question, answer: Answer, table: StockTable): void {
    const { id } = question;
    if (question.kind === 'list') {
      if (answer.t === 'unready') {
        this.#outbox.send(link, { t: 'pageUnready', id });
        return;
      }
      const { stocks, next } = table.page(question.after, question.limit);
      this.#outbox.send(link, { t: 'page', id, stocks: stocks.map(stockToWire), next });
      return;
    }
    const stock = answer.t === 'stock' ? table.get(answer.name) : undefined;
    if (answer.t !== 'stock') this.#outbox.answer(link, [id, 'unready']);
    else if (stock === undefined) this.#outbox.answer(link, [id, 'missing']);
    else this.#outbox.answer(link, [id, 'stock', stockToWire(stock), answer.cacheable]);
  }
}

function firstOf(names: ReadonlySet<string>, countMax: number): readonly string[] {
  const first: string[] = [];
  for (const name of names) {
    if (first.length === countMax) break;
    first.push(name);
  }
  return first;
}
