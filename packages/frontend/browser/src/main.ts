/** Joins the parts of the dashboard: what comes over the stream is shown, and that it stops is said. */
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import { byId, setText } from './dom.js';
import { clockTime, lasting } from './format.js';
import { GroupPicture } from './group.js';
import { OrderForm } from './order-form.js';
import { keepStream } from './stream.js';
import { Tables } from './tables.js';
import { Tiles } from './tiles.js';

const form = new OrderForm();
const picture = new GroupPicture();
const tables = new Tables((name) => form.choose(name));
const tiles = new Tiles();

let isLost = false;
let lostAt = 0;
/** By the front-end's clock; null before the first look. */
let lastLook: number | null = null;

function show(snapshot: DashboardSnapshot): void {
  lastLook = snapshot.time;
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
    lastLook === null ? 'Nothing was received yet.' : `What is shown is as of ${clockTime(lastLook)}.`;
  // Said once and not with every attempt: it is read out each time that it changes.
  setText(byId('lost-detail'), `This front-end does not answer. ${asOf} Trying again every second.`);
  byId('lost').hidden = false;
  document.title = 'Trireme: connection lost';
}

setInterval(() => {
  if (isLost) setText(byId('connection'), `lost ${lasting(performance.now() - lostAt)}`);
}, 1_000);

keepStream({
  state: show,
  curves: (points) => tiles.begin(points),
  point: (point) => tiles.add(point),
  lost: lose,
});
