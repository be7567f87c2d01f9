/** Look-ups of stocks at the leader, for front-ends that no catalog answers: of visible state, by a confirmed read. */
import { stockToWire, type StockResult } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { send } from './frontends.js';
import type { BookMachine } from './machine.js';
import type { LeaderSession } from './leader-session.js';
import type { FrontendFrame } from './rules/frames.js';

type LookupFrame = Extract<FrontendFrame, { readonly t: 'lookup' }>;
type ListFrame = Extract<FrontendFrame, { readonly t: 'listStocks' }>;

interface StockReadsOptions {
  /** The book, null before it is open. */
  readonly machine: () => BookMachine | null;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
}

export class StockReads {
  readonly #o: StockReadsOptions;

  constructor(options: StockReadsOptions) {
    this.#o = options;
  }

  lookUp(link: Link, items: LookupFrame['items']): void {
    const session = this.#o.session();
    const answer = (result: (item: LookupFrame['items'][number]) => StockResult): void => {
      const life = this.#o.machine()?.book.meta.life ?? '';
      send(link, { t: 'stocks', life, items: items.map(result) });
    };
    if (session === null) {
      answer(([id]) => [id, 'refused', 'notLeader']);
      return;
    }
    session.whenVisible(items.length, (stocks) => {
      answer(([id, name]) => {
        if (stocks === null) return [id, 'refused', 'busy'];
        const stock = stocks.get(name);
        return stock === null ? [id, 'missing'] : [id, 'stock', stockToWire(stock)];
      });
    });
  }

  list(link: Link, { id, after, limit }: ListFrame): void {
    const session = this.#o.session();
    if (session === null) {
      send(link, { t: 'pageRefused', id, why: 'notLeader' });
      return;
    }
    session.whenVisible(limit, (visible) => {
      if (visible === null) {
        send(link, { t: 'pageRefused', id, why: 'busy' });
        return;
      }
      const { stocks, next } = visible.page(after, limit);
      send(link, { t: 'stockPage', id, stocks: stocks.map(stockToWire), next });
    });
  }
}
