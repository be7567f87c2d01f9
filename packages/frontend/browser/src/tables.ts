/** The tables and the list of events. */
import type {
  DashboardSnapshot,
  DashboardCatalog,
  DashboardReplica,
  DashboardStock,
} from '../../src/rules/dashboard/snapshot.js';
import { byId, fillCells, rowOf, KeyedRows, setText } from './dom.js';
import { clockTime, formatCount } from './format.js';
import { roleLabel } from './group.js';

/** Displayed names of the states of a catalog. */
const CATALOG_WORDS: Readonly<Record<DashboardCatalog['state'], string>> = {
  ready: 'ready',
  unready: 'no authority',
  silent: 'silent',
  unlinked: 'no link',
  unknown: '…',
};

export class Tables {
  readonly #replicas = new KeyedRows({
    body: bodyOf('replicas'),
    keyOf: (replica: DashboardReplica) => replica.id,
    make: () => rowOf(['', 'role', 'number', 'number', 'number', 'number', 'number', 'links', 'hash']),
    fill: fillReplica,
  });
  readonly #catalogs = new KeyedRows({
    body: bodyOf('catalogs'),
    keyOf: (catalog: DashboardCatalog) => catalog.id,
    make: () => rowOf(['', 'role', 'number', 'number', 'current']),
    fill: (row, { id, state, current, lastIndex, frontends }) => {
      row.className = state;
      const followed = current ? 'followed by this front-end' : '';
      fillCells(row, [id, CATALOG_WORDS[state], formatCount(lastIndex), formatCount(frontends), followed]);
    },
  });
  readonly #stocks = new KeyedRows({
    body: bodyOf('stocks'),
    keyOf: (stock: DashboardStock) => stock.name,
    make: () => stockRow(this.#choose),
    fill: (row, stock) => {
      fillStock(row, stock, this.#servedBy);
    },
  });
  readonly #orders = new KeyedRows({
    body: bodyOf('orders'),
    keyOf: (order: DashboardSnapshot['orders'][number]) => String(order.number),
    make: () => rowOf(['number', '', 'direction', '', 'number', 'number']),
    fill: (row, { number, time, type, name, quantity, price }) => {
      row.classList.toggle('buy', type === 'buy');
      fillCells(row, [formatCount(number), clockTime(time), type, name, formatCount(quantity), price]);
    },
  });
  readonly #events = new KeyedRows({
    body: byId('events'),
    keyOf: (event: DashboardSnapshot['events'][number]) => `${event.number} ${event.time}`,
    make: eventItem,
    fill: (item, { tone, text, time }) => {
      item.classList.add(tone);
      fillCells(item, [clockTime(time), text]);
    },
  });
  readonly #names = new KeyedRows({
    body: byId('stock-names'),
    keyOf: (stock: DashboardStock) => stock.name,
    make: () => document.createElement('option'),
    fill: (option, { name }) => {
      option.setAttribute('value', name);
    },
  });
  readonly #choose: (name: string) => void;
  #servedBy = '';

  /** @param choose called with the name of a stock that the user picks for an order. */
  constructor(choose: (name: string) => void) {
    this.#choose = choose;
  }

  show({ replicas, catalogs, stocks, stocksTotal, orders, events, servedBy }: DashboardSnapshot): void {
    this.#servedBy = servedBy;
    this.#replicas.show(replicas);
    this.#catalogs.show(catalogs);
    this.#stocks.show(stocks);
    this.#names.show(stocks);
    setText(
      byId('stocks-count'),
      stocksTotal > stocks.length ? `${stocks.length} of ${formatCount(stocksTotal)}` : '',
    );
    this.#orders.show(orders);
    byId('orders-empty').hidden = orders.length > 0;
    this.#events.show(events);
    byId('events-empty').hidden = events.length > 0;
  }
}

function bodyOf(table: string): Element {
  const body = byId(table).querySelector('tbody');
  if (body === null) throw new Error(`the table #${table} has no body`);
  return body;
}

function fillReplica(row: Element, replica: DashboardReplica): void {
  const { id, role, term, firstIndex, lastIndex, commit, applied, lag, peers, hash } = replica;
  row.className = role;
  const log = firstIndex === null ? '–' : `${formatCount(firstIndex)}–${formatCount(lastIndex)}`;
  const isStale = role === 'silent' || role === 'unlinked';
  const links = peers.map((peer) => `${peer.id}${linkMark(peer)}`).join(' ');
  fillCells(row, [
    id,
    roleLabel(role),
    formatCount(term),
    log,
    formatCount(commit),
    formatCount(applied),
    formatCount(lag),
    isStale ? '–' : links,
    isStale ? '–' : (hash ?? '–'),
  ]);
}

function linkMark({ inbound, outbound }: DashboardReplica['peers'][number]): string {
  if (inbound && outbound) return ' ⇄';
  if (inbound) return ' ←';
  return outbound ? ' →' : ' ✕';
}

function stockRow(choose: (name: string) => void): Element {
  const row = rowOf(['', 'number', 'number', 'caches']);
  const pick = document.createElement('button');
  pick.type = 'button';
  pick.className = 'pick';
  pick.addEventListener('click', () => choose(pick.textContent));
  row.children[0]?.append(pick);
  return row;
}

function fillStock(
  row: Element,
  { name, price, quantity, cachedHere, cachedBy }: DashboardStock,
  servedBy: string,
): void {
  const pick = row.querySelector('button');
  if (pick !== null) {
    setText(pick, name);
    pick.title = `Use ${name} in the order form`;
  }
  const [, priceCell, quantityCell, caches] = row.children;
  if (priceCell === undefined || quantityCell === undefined || caches === undefined) return;
  setText(priceCell, price);
  if (quantityCell.textContent !== '' && quantityCell.textContent !== formatCount(quantity))
    flash(quantityCell);
  setText(quantityCell, formatCount(quantity));
  const holders = [...(cachedHere ? [servedBy] : []), ...cachedBy];
  if (caches.textContent === holders.join('')) return;
  caches.replaceChildren(...holders.map((holder) => chip(holder, holder === servedBy)));
}

function chip(text: string, isHere: boolean): Element {
  const element = document.createElement('span');
  element.className = isHere ? 'chip here' : 'chip';
  element.textContent = text;
  return element;
}

/** Highlights a cell that has just changed. */
function flash(cell: Element): void {
  cell.classList.remove('changed');
  // Reading the layout restarts the animation.
  cell.getBoundingClientRect();
  cell.classList.add('changed');
}

function eventItem(): Element {
  const item = document.createElement('li');
  item.append(document.createElement('time'), document.createElement('span'));
  return item;
}
