/**
 * Connects the parts of the dashboard: shows the states of the stream, and a notice when the stream is lost.
 */
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import { byId, setText } from './dom.js';
import { clockTime, formatDuration } from './format.js';
import { GroupPicture } from './group.js';
import { OrderForm } from './order-form.js';
import { openEventStream } from './stream.js';
import { Tables } from './tables.js';
import { Tiles } from './tiles.js';

const form = new OrderForm();
const picture = new GroupPicture();
const tables = new Tables((name) => form.choose(name));
const tiles = new Tiles();

let isLost = false;
let lostAt = 0;
/** Time of the last state on the front-end's clock; null before the first one. */
let lastStateAt: number | null = null;

function show(snapshot: DashboardSnapshot): void {
  lastStateAt = snapshot.time;
  if (isLost) setText(byId('lost-detail'), '');
  isLost = false;
  byId('lost').hidden = true;
  document.body.classList.remove('stale');
  document.body.dataset['health'] = snapshot.health;
  document.title = snapshot.health === 'good' ? 'Trireme' : `Trireme: ${snapshot.health}`;
  setText(byId('connection'), 'live');
  byId('connection').className = 'pill live';
  setText(byId('verdict'), snapshot.verdict);
  setText(byId('served-by'), snapshot.servedBy);
  picture.show(snapshot);
  tables.show(snapshot);
  tiles.show(snapshot);
}

function lose(): void {
  if (!isLost) lostAt = performance.now();
  isLost = true;
  document.body.classList.add('stale');
  setText(byId('connection'), 'lost');
  byId('connection').className = 'pill lost';
  const asOf =
    lastStateAt === null ? 'No data was received yet.' : `The data shown is from ${clockTime(lastStateAt)}.`;
  // The text stays the same for all attempts: screen readers announce every change.
  setText(byId('lost-detail'), `The front-end does not answer. ${asOf} Reconnecting every second.`);
  byId('lost').hidden = false;
  document.title = 'Trireme: connection lost';
}

setInterval(() => {
  if (isLost) setText(byId('connection'), `lost ${formatDuration(performance.now() - lostAt)}`);
}, 1_000);

openEventStream({
  state: show,
  curves: (points) => tiles.reset(points),
  point: (point) => tiles.add(point),
  lost: lose,
});
