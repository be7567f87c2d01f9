/**
 * `npm run dash:test`: drives the dashboard in Chromium against a real cluster, and leaves pictures of it in
 * `artifacts/dashboard`. It is longer than the other tests and needs a browser, so that `npm test` leaves it out.
 */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import { hasBrowser } from './dashboard/browser.js';
import { placeOrders, type Load } from './dashboard/load.js';
import { Stage } from './dashboard/stage.js';
import { ROOT } from './root.js';

const PICTURES = join(ROOT, 'artifacts', 'dashboard');

interface Context {
  stage: Stage;
  page: Page;
  load: Load | null;
}

const test = suite<Context>('dashboard');

test.before(async (context) => {
  context.stage = await Stage.open(PICTURES);
  context.page = await context.stage.visit();
  context.load = null;
});

test.after(async ({ stage, load }) => {
  await load?.stop();
  await stage.close();
});

/** Marks the page: a reload would lose the mark. */
async function mark({ stage, page }: Context): Promise<void> {
  await stage.evaluate(page, 'window.mark = true');
}

async function isMarked({ stage, page }: Context): Promise<boolean> {
  return (await stage.evaluate(page, 'window.mark === true')) === true;
}

/** The replica that the page shows as leading. */
async function shownLeader(page: Page): Promise<string> {
  return (await page.textContent('#replicas tr.leader th')) ?? '';
}

test('shows three replicas, their books, the stocks and who caches them', async ({ stage, page }) => {
  await stage.shows(page, '#verdict', /^Replica \d leads in term \d+; 3 of 3 replicas answer\.$/);
  assert.is(await page.locator('#replicas tbody tr').count(), 3);
  await stage.comesTrue(page, "document.querySelectorAll('#group-picture circle.disc.leader').length === 1");
  await stage.shows(page, '#stocks', /AAPL55\.00100/);
  const [here = '', other = ''] = stage.cluster.urls;
  await fetch(`${here}/stocks/AAPL`);
  await fetch(`${other}/stocks/AMZN`);
  await stage.shows(page, '#stocks .chip.here', /^frontend-1$/);
  await stage.shows(page, '#stocks', /AMZN65\.00100frontend-2/);
});

test('an order placed in the form shows its number, in the book and in the stock', async ({
  stage,
  page,
}) => {
  await page.fill('input[name=name]', 'GOOGL');
  await page.fill('input[name=quantity]', '7');
  await page.click('#order-form button');
  const told = await stage.shows(page, '#order-result', /^Order \d+: buy 7 GOOGL, done\.$/);
  const number = /\d+/.exec(told)?.[0] ?? '';
  await stage.shows(page, '#orders tbody tr:first-child', new RegExp(`^${number}.*buyGOOGL760\\.00$`));
  await stage.shows(page, '#stocks', /GOOGL60\.0093/);
  const order = (await (await fetch(`${stage.url}/orders/${number}`)).json()) as {
    data: { quantity: number };
  };
  assert.is(order.data.quantity, 7);
  await page.fill('input[name=quantity]', '1000');
  await page.click('#order-form button');
  await stage.shows(page, '#order-result', /^Refused: not enough of the stock is left\.$/);
});

test('works by keyboard alone', async ({ stage }) => {
  const page = await stage.visit();
  await page.keyboard.press('Tab');
  assert.is(await stage.evaluate(page, 'document.activeElement.className'), 'skip');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  assert.is(await stage.evaluate(page, 'document.activeElement.name'), 'type');
  await page.keyboard.press('ArrowRight');
  assert.is(await stage.evaluate(page, 'document.activeElement.value'), 'sell');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('NVDA');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('3');
  await page.keyboard.press('Enter');
  await stage.shows(page, '#order-result', /^Order \d+: sell 3 NVDA, done\.$/);
  await stage.shows(page, '#stocks', /NVDA70\.00103/);
  // A stock's button puts it into the form.
  await page.focus('#stocks tbody tr:nth-child(2) button');
  await page.keyboard.press('Enter');
  assert.is(await page.inputValue('input[name=name]'), 'AMZN');
  assert.is(await stage.evaluate(page, 'document.activeElement.name'), 'quantity');
  await page.context().close();
});

test('orders that come from elsewhere stream in, with rates', async (context) => {
  const { stage, page } = context;
  context.load = placeOrders(stage.cluster.urls);
  await stage.shows(page, '#orders-rate-value', /^[1-9]/);
  await stage.shows(page, '#latency-value', /^[0-9]/);
  // Curves need some points to be curves.
  await stage.comesTrue(
    page,
    "(document.querySelector('#orders-rate-curve path')?.getAttribute('d') ?? '').length > 150",
  );
  await page.fill('input[name=name]', 'BoarCo');
  await page.fill('input[name=quantity]', '12');
  await page.click('#order-form button');
  await stage.shows(page, '#order-result', /^Order \d+: buy 12 BoarCo, done\.$/);
  await stage.shows(page, '#orders', /buyBoarCo12/);
  await stage.picture(page, 'at-rest');
});

test('the leader dies: the page shows the next one without a reload, and goes on', async (context) => {
  const { stage, page } = context;
  await mark(context);
  const before = await shownLeader(page);
  await stage.cluster.kill(`replica-${before}`);
  await stage.shows(
    page,
    '#verdict',
    new RegExp(`^Replica [^${before}] leads in term \\d+; 2 of 3 replicas answer`),
  );
  await stage.shows(page, '#events', /leads in term \d+, after \d+ ms without a leader/);
  await stage.shows(page, `#replicas tr.unlinked`, new RegExp(`^${before}no link`));
  await stage.picture(page, 'leader-killed');
  assert.ok(await isMarked(context));
  const total = async (): Promise<number> =>
    Number(((await page.textContent('#orders-total-value')) ?? '').replace(/,/g, ''));
  const reached = await total();
  await stage.comesTrue(
    page,
    `Number(document.querySelector('#orders-total-value').textContent.replace(/,/g, '')) > ${reached}`,
  );
  await stage.cluster.startProcess(`replica-${before}`);
  await stage.shows(page, '#verdict', /3 of 3 replicas answer/);
});

test('without a majority the election is seen, and is over once a replica is back', async (context) => {
  const { stage, page } = context;
  const leader = await shownLeader(page);
  const other = ['1', '2', '3'].find((id) => id !== leader) ?? '';
  await stage.cluster.kill(`replica-${other}`);
  await stage.cluster.pause(`replica-${leader}`);
  await stage.shows(page, '#verdict', /^No leader is known/);
  await stage.shows(page, '#group-picture', /no leader/);
  await page.waitForSelector('#group-picture circle.disc.preCandidate, #group-picture circle.disc.candidate');
  await stage.picture(page, 'election');
  await stage.cluster.resume(`replica-${leader}`);
  await stage.cluster.startProcess(`replica-${other}`);
  await stage.shows(page, '#verdict', /3 of 3 replicas answer/);
  assert.ok(await isMarked(context));
});

test('the front-end dies: the loss is said plainly, and the page comes back by itself', async (context) => {
  const { stage, page } = context;
  await stage.cluster.kill('frontend-1');
  await page.waitForSelector('#lost:not([hidden])');
  assert.match((await page.textContent('#lost')) ?? '', /Connection lost\..*does not answer/);
  await stage.picture(page, 'connection-lost', false);
  await stage.cluster.startProcess('frontend-1');
  await stage.shows(page, '#connection', /^live$/);
  assert.is(await page.isVisible('#lost'), false);
  await stage.shows(page, '#verdict', /3 of 3 replicas answer/);
  assert.ok(await isMarked(context));
});

test('a front-end that stands still is as lost as a dead one', async ({ stage, page }) => {
  await stage.cluster.pause('frontend-1');
  await page.waitForSelector('#lost:not([hidden])');
  await stage.cluster.resume('frontend-1');
  await stage.shows(page, '#connection', /^live$/);
});

test('is readable on a narrow screen and in the dark', async ({ stage }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const phone = await stage.visit({
      viewport: { width: 375, height: 812 },
      colorScheme,
      deviceScaleFactor: 2,
    });
    await phone.waitForSelector('#group-picture circle.disc.leader');
    const width = (await stage.evaluate(phone, 'document.documentElement.scrollWidth')) as number;
    assert.ok(width <= 375, `the page is ${width} pixels wide`);
    await stage.picture(phone, `narrow-${colorScheme}`);
    await phone.context().close();
  }
  const dark = await stage.visit({ colorScheme: 'dark' });
  await stage.shows(dark, '#orders-rate-value', /^[0-9]/);
  await stage.comesTrue(
    dark,
    "(document.querySelector('#orders-rate-curve path')?.getAttribute('d') ?? '').length > 150",
  );
  await stage.picture(dark, 'dark');
  await dark.context().close();
});

test('the contract is a page that is readable on a phone as well', async ({ stage }) => {
  const docs = await stage.visit();
  await docs.goto(`${stage.url}/docs`);
  await stage.picture(docs, 'docs', false);
  await docs.setViewportSize({ width: 375, height: 812 });
  const width = Number(await stage.evaluate(docs, 'document.documentElement.scrollWidth'));
  assert.ok(width <= 375, `the page is ${width} pixels wide`);
  await stage.picture(docs, 'docs-narrow', false);
  await docs.context().close();
});

test('the page loads nothing from elsewhere, and nothing complained', ({ stage, load }) => {
  assert.equal(stage.complaints, []);
  assert.is(load?.failed, 0);
});

if (hasBrowser()) test.run();
else
  console.log(
    'SKIPPED: the dashboard in a browser; there is no /usr/bin/chromium (Debian: apt-get install chromium)',
  );
