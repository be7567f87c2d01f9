/**
 * The dashboard page before the first state arrives. Scripts fill it in; all its files come from this server.
 */
import type { JSX } from 'hono/jsx/jsx-runtime';
import { renderToString } from 'hono/jsx/dom/server';

export interface PageProps {
  /** Name of the front-end. */
  readonly servedBy: string;
  /** Bounds of the order form, from the schema of orders. */
  readonly nameLengthMax: number;
  readonly quantityMax: number;
}

interface TileProps {
  readonly id: string;
  readonly label: string;
  readonly unit: string;
}

const Tile = ({ id, label, unit }: TileProps): JSX.Element => (
  <div class="tile">
    <h3>{label}</h3>
    <p class="figure">
      <span id={`${id}-value`}>–</span> <small>{unit}</small>
    </p>
    <p class="aside" id={`${id}-aside`}>
      &nbsp;
    </p>
    <svg
      id={`${id}-curve`}
      class="curve"
      viewBox="0 0 120 32"
      preserveAspectRatio="none"
      aria-hidden="true"
    />
  </div>
);

const Tiles = (): JSX.Element => (
  <section class="tiles" aria-label="Rates and latencies">
    <Tile id="orders-rate" label="Orders" unit="/s" />
    <Tile id="latency" label="Order latency" unit="ms p50" />
    <Tile id="lookups-rate" label="Look-ups" unit="/s" />
    <Tile id="orders-total" label="Order book" unit="orders" />
  </section>
);

const Group = (): JSX.Element => (
  <section class="card group" aria-labelledby="group-title">
    <h2 id="group-title">Group</h2>
    <svg id="group-picture" role="img" aria-labelledby="verdict" />
    <div class="scroll" tabindex={0} role="group" aria-label="Tables of replicas and catalogs">
      <table id="replicas">
        <thead>
          <tr>
            <th scope="col">Replica</th>
            <th scope="col">Role</th>
            <th scope="col" class="number">
              Term
            </th>
            <th scope="col" class="number">
              Log
            </th>
            <th scope="col" class="number">
              Commit
            </th>
            <th scope="col" class="number">
              Applied
            </th>
            <th scope="col" class="number">
              Lag
            </th>
            <th scope="col" class="links">
              Links
            </th>
            <th scope="col">Book</th>
          </tr>
        </thead>
        <tbody />
      </table>
      <table id="catalogs">
        <thead>
          <tr>
            <th scope="col">Catalog</th>
            <th scope="col">State</th>
            <th scope="col" class="number">
              Applied
            </th>
            <th scope="col" class="number">
              Front-ends
            </th>
            <th scope="col" class="current">
              Cache
            </th>
          </tr>
        </thead>
        <tbody />
      </table>
    </div>
  </section>
);

const OrderForm = ({ nameLengthMax, quantityMax }: PageProps): JSX.Element => (
  <section class="card" aria-labelledby="order-title">
    <h2 id="order-title">Place an order</h2>
    <form id="order-form" autocomplete="off">
      <fieldset class="switch">
        <legend>Side</legend>
        <label>
          <input type="radio" name="type" value="buy" checked /> <span>Buy</span>
        </label>
        <label>
          <input type="radio" name="type" value="sell" /> <span>Sell</span>
        </label>
      </fieldset>
      <label class="field">
        <span>Stock</span>
        <input
          name="name"
          list="stock-names"
          required
          maxlength={nameLengthMax}
          autocapitalize="characters"
        />
      </label>
      <datalist id="stock-names" />
      <label class="field">
        <span>Quantity</span>
        <input
          name="quantity"
          type="number"
          inputmode="numeric"
          min="1"
          max={quantityMax}
          step="1"
          value="1"
          required
        />
      </label>
      <button type="submit">Place order</button>
    </form>
    <output id="order-result" form="order-form" role="status" aria-live="polite" />
  </section>
);

const Stocks = (): JSX.Element => (
  <section class="card half" aria-labelledby="stocks-title">
    <h2 id="stocks-title">
      Stocks <small id="stocks-count" />
    </h2>
    <div class="scroll tall" tabindex={0} role="group" aria-label="Stocks, scrollable">
      <table id="stocks">
        <thead>
          <tr>
            <th scope="col">Stock</th>
            <th scope="col" class="number">
              Price
            </th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col" class="caches">
              Cached by
            </th>
          </tr>
        </thead>
        <tbody />
      </table>
    </div>
  </section>
);

const Orders = (): JSX.Element => (
  <section class="card half" aria-labelledby="orders-title">
    <h2 id="orders-title">Latest orders</h2>
    <div class="scroll tall" tabindex={0} role="group" aria-label="Latest orders, scrollable">
      <table id="orders">
        <thead>
          <tr>
            <th scope="col" class="number">
              Number
            </th>
            <th scope="col">Time</th>
            <th scope="col">Side</th>
            <th scope="col">Stock</th>
            <th scope="col" class="number">
              Quantity
            </th>
            <th scope="col" class="number">
              Price
            </th>
          </tr>
        </thead>
        <tbody />
      </table>
      <p class="empty" id="orders-empty">
        No orders yet.
      </p>
    </div>
  </section>
);

const Events = (): JSX.Element => (
  <section class="card events" aria-labelledby="events-title">
    <h2 id="events-title">Events and faults</h2>
    <div class="scroll" tabindex={0} role="group" aria-label="Events, scrollable">
      <ol id="events" aria-live="polite" aria-relevant="additions" />
      <p class="empty" id="events-empty">
        No events yet.
      </p>
    </div>
  </section>
);

const DashboardPage = (props: PageProps): JSX.Element => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>Trireme</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
      <link rel="stylesheet" href="/assets/dashboard.css" />
      <script type="module" src="/assets/main.js" />
    </head>
    <body data-health="unknown">
      <a class="skip" href="#order-form">
        Skip to the order form
      </a>
      <header>
        <h1>
          <img src="/assets/icon.svg" alt="" width="28" height="28" /> Trireme
        </h1>
        <p id="verdict" role="status" aria-live="polite">
          Loading the state of the cluster…
        </p>
        <p id="connection" class="pill">
          connecting
        </p>
      </header>
      <p id="lost" role="alert" hidden>
        <strong>Connection lost.</strong> <span id="lost-detail" />
      </p>
      <noscript>
        <p class="notice">
          This page requires JavaScript. <a href="/status">The status as JSON</a> and{' '}
          <a href="/docs">the API documentation</a> do not.
        </p>
      </noscript>
      <main>
        <Tiles />
        <Group />
        <div class="side">
          <OrderForm {...props} />
          <Events />
        </div>
        <Stocks />
        <Orders />
      </main>
      <footer>
        <p>
          Served by <span id="served-by">{props.servedBy}</span>
        </p>
        <nav aria-label="More">
          <a href="/docs">API</a> <a href="/openapi.json">OpenAPI</a> <a href="/status">Status</a>
        </nav>
      </footer>
    </body>
  </html>
);

/** The complete page as HTML. */
export function dashboardPage(props: PageProps): string {
  return `<!doctype html>${renderToString(<DashboardPage {...props} />)}`;
}
