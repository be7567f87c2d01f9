/** Look-ups of stocks at the leader, for front-ends without a catalog: confirmed reads of the visible state. */
import { stockToWire, type StockReadResult } from '@trireme/domain';
import type { Link } from '@trireme/service';
import { sendToFrontend } from './frontends.js';
import type { BookStateMachine } from '../book/machine.js';
import type { LeaderSession } from '../leader/session.js';
import type { FrontendFrame } from '../rules/frames.js';

type LookupFrame = Extract<FrontendFrame, { readonly t: 'lookup' }>;
type ListFrame = Extract<FrontendFrame, { readonly t: 'listStocks' }>;

interface StockReadsOptions {
  readonly machine: BookStateMachine;
  /** Null while this replica does not lead. */
  readonly session: () => LeaderSession | null;
}

export class StockReads {
  readonly #options: StockReadsOptions;

  constructor(options: StockReadsOptions) {
    this.#options = options;
  }

  lookUp(link: Link, items: LookupFrame['items']): void {
    const session = this.#options.session();
    const answer = (result: (item: LookupFrame['items'][number]) => StockReadResult): void => {
      const { life } = this.#options.machine.book.meta;
      sendToFrontend(link, { t: 'stocks', life, items: items.map(result) });
    };
    if (session === null) {
      answer(([id]) => [id, 'refused', 'notLeader']);
      return;
    }
    session.readVisibleStocks(items.length, (stocks) => {
      answer(([id, name]) => {
        if (stocks === null) return [id, 'refused', 'busy'];
        const stock = stocks.get(name);
        return stock === null ? [id, 'missing'] : [id, 'stock', stockToWire(stock)];
      });
    });
  }

  list(link: Link, { id, after, limit }: ListFrame): void {
    const session = this.#options.session();
    if (session === null) {
      sendToFrontend(link, { t: 'pageRefused', id, why: 'notLeader' });
      return;
    }
    session.readVisibleStocks(limit, (visible) => {
      if (visible === null) {
        sendToFrontend(link, { t: 'pageRefused', id, why: 'busy' });
        return;
      }
      const { stocks, next } = visible.page(after, limit);
      sendToFrontend(link, { t: 'stockPage', id, stocks: stocks.map(stockToWire), next });
    });
  }
}
