/**
 * `npm run dash:test`: drives the dashboard in Chromium against a real cluster, and saves screenshots in
 * `artifacts/dashboard`. It is not part of `npm test`, as it takes longer than the other tests and needs a browser.
 */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Page } from 'playwright-core';
import { hasBrowser } from './dashboard/browser.js';
import { startLoad, type Load } from './dashboard/load.js';
import { DashboardFixture } from './dashboard/fixture.js';
import { ROOT } from './root.js';

const PICTURES = join(ROOT, 'artifacts', 'dashboard');

interface Context {
  stage: DashboardFixture;
  page: Page;
  load: Load | null;
}

const test = suite<Context>('dashboard');

test.before(async (context) => {
  context.stage = await DashboardFixture.open(PICTURES);
  context.page = await context.stage.openPage();
  context.load = null;
});

test.after(async ({ stage, load }) => {
  await load?.stop();
  await stage.close();
});

/** Sets a mark in the page, which a reload would remove. */
async function mark({ stage, page }: Context): Promise<void> {
  await stage.evaluate(page, 'window.mark = true');
}

async function isMarked({ stage, page }: Context): Promise<boolean> {
  return (await stage.evaluate(page, 'window.mark === true')) === true;
}

/** The replica that the page shows as leader. */
async function shownLeader(page: Page): Promise<string> {
  return (await page.textContent('#replicas tr.leader th')) ?? '';
}

test('shows three replicas, their books, the stocks and which front-ends cache them', async ({
  stage,
  page,
}) => {
  await stage.awaitText(page, '#verdict', /^Replica \d leads in term \d+; 3 of 3 replicas answer\.$/);
  assert.is(await page.locator('#replicas tbody tr').count(), 3);
  await stage.awaitTrue(page, "document.querySelectorAll('#group-picture circle.disc.leader').length === 1");
  await stage.awaitText(page, '#stocks', /AAPL55\.00100/);
  const [here = '', other = ''] = stage.cluster.urls;
  await fetch(`${here}/stocks/AAPL`);
  await fetch(`${other}/stocks/AMZN`);
  await stage.awaitText(page, '#stocks .chip.here', /^frontend-1$/);
  await stage.awaitText(page, '#stocks', /AMZN65\.00100frontend-2/);
});

test('shows an order placed in the form with its number, in the book and in the stock', async ({
  stage,
  page,
}) => {
  await page.fill('input[name=name]', 'GOOGL');
  await page.fill('input[name=quantity]', '7');
  await page.click('#order-form button');
  const result = await stage.awaitText(page, '#order-result', /^Order \d+ filled: buy 7 GOOGL\.$/);
  const number = /\d+/.exec(result)?.[0] ?? '';
  await stage.awaitText(page, '#orders tbody tr:first-child', new RegExp(`^${number}.*buyGOOGL760\\.00$`));
  await stage.awaitText(page, '#stocks', /GOOGL60\.0093/);
  const order = (await (await fetch(`${stage.url}/orders/${number}`)).json()) as {
    data: { quantity: number };
  };
  assert.is(order.data.quantity, 7);
  await page.fill('input[name=quantity]', '1000');
  await page.click('#order-form button');
  await stage.awaitText(
    page,
    '#order-result',
    /^Refused: the order exceeds the remaining quantity of the stock\.$/,
  );
});

test('is usable with the keyboard alone', async ({ stage }) => {
  const page = await stage.openPage();
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
  await stage.awaitText(page, '#order-result', /^Order \d+ filled: sell 3 NVDA\.$/);
  await stage.awaitText(page, '#stocks', /NVDA70\.00103/);
  // The button of a stock fills its name into the form.
  await page.focus('#stocks tbody tr:nth-child(2) button');
  await page.keyboard.press('Enter');
  assert.is(await page.inputValue('input[name=name]'), 'AMZN');
  assert.is(await stage.evaluate(page, 'document.activeElement.name'), 'quantity');
  await page.context().close();
});

test('streams the orders of other clients, with rates', async (context) => {
  const { stage, page } = context;
  context.load = startLoad(stage.cluster.urls);
  await stage.awaitText(page, '#orders-rate-value', /^[1-9]/);
  await stage.awaitText(page, '#latency-value', /^[0-9]/);
  // Wait until the curve has enough points for the screenshot.
  await stage.awaitTrue(
    page,
    "(document.querySelector('#orders-rate-curve path')?.getAttribute('d') ?? '').length > 150",
  );
  await page.fill('input[name=name]', 'BoarCo');
  await page.fill('input[name=quantity]', '12');
  await page.click('#order-form button');
  await stage.awaitText(page, '#order-result', /^Order \d+ filled: buy 12 BoarCo\.$/);
  await stage.awaitText(page, '#orders', /buyBoarCo12/);
  await stage.screenshot(page, 'at-rest');
});

test('shows the next leader without a reload when the leader is killed', async (context) => {
  const { stage, page } = context;
  await mark(context);
  const before = await shownLeader(page);
  await stage.cluster.kill(`replica-${before}`);
  await stage.awaitText(
    page,
    '#verdict',
    new RegExp(`^Replica [^${before}] leads in term \\d+; 2 of 3 replicas answer`),
  );
  await stage.awaitText(page, '#events', /leads in term \d+, after \d+ ms without a leader/);
  await stage.awaitText(page, `#replicas tr.unlinked`, new RegExp(`^${before}no link`));
  await stage.screenshot(page, 'leader-killed');
  assert.ok(await isMarked(context));
  const total = async (): Promise<number> =>
    Number(((await page.textContent('#orders-total-value')) ?? '').replace(/,/g, ''));
  const reached = await total();
  await stage.awaitTrue(
    page,
    `Number(document.querySelector('#orders-total-value').textContent.replace(/,/g, '')) > ${reached}`,
  );
  await stage.cluster.startProcess(`replica-${before}`);
  await stage.awaitText(page, '#verdict', /3 of 3 replicas answer/);
});

test('shows the election without a majority, and its end once a replica is back', async (context) => {
  const { stage, page } = context;
  const leader = await shownLeader(page);
  const other = ['1', '2', '3'].find((id) => id !== leader) ?? '';
  await stage.cluster.kill(`replica-${other}`);
  await stage.cluster.pause(`replica-${leader}`);
  await stage.awaitText(page, '#verdict', /^No leader is known/);
  await stage.awaitText(page, '#group-picture', /no leader/);
  await page.waitForSelector('#group-picture circle.disc.preCandidate, #group-picture circle.disc.candidate');
  await stage.screenshot(page, 'election');
  await stage.cluster.resume(`replica-${leader}`);
  await stage.cluster.startProcess(`replica-${other}`);
  await stage.awaitText(page, '#verdict', /3 of 3 replicas answer/);
  assert.ok(await isMarked(context));
});

test('shows that the connection is lost when the front-end is killed, and reconnects by itself', async (context) => {
  const { stage, page } = context;
  await stage.cluster.kill('frontend-1');
  await page.waitForSelector('#lost:not([hidden])');
  assert.match((await page.textContent('#lost')) ?? '', /Connection lost\..*does not answer/);
  await stage.screenshot(page, 'connection-lost', false);
  await stage.cluster.startProcess('frontend-1');
  await stage.awaitText(page, '#connection', /^live$/);
  assert.is(await page.isVisible('#lost'), false);
  await stage.awaitText(page, '#verdict', /3 of 3 replicas answer/);
  assert.ok(await isMarked(context));
});

test('shows that the connection is lost when the front-end is paused', async ({ stage, page }) => {
  await stage.cluster.pause('frontend-1');
  await page.waitForSelector('#lost:not([hidden])');
  await stage.cluster.resume('frontend-1');
  await stage.awaitText(page, '#connection', /^live$/);
});

test('fits a narrow screen and has a dark mode', async ({ stage }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const phone = await stage.openPage({
      viewport: { width: 375, height: 812 },
      colorScheme,
      deviceScaleFactor: 2,
    });
    await phone.waitForSelector('#group-picture circle.disc.leader');
    const width = (await stage.evaluate(phone, 'document.documentElement.scrollWidth')) as number;
    assert.ok(width <= 375, `the page is ${width} pixels wide, at most 375 fit`);
    await stage.screenshot(phone, `narrow-${colorScheme}`);
    await phone.context().close();
  }
  const dark = await stage.openPage({ colorScheme: 'dark' });
  await stage.awaitText(dark, '#orders-rate-value', /^[0-9]/);
  await stage.awaitTrue(
    dark,
    "(document.querySelector('#orders-rate-curve path')?.getAttribute('d') ?? '').length > 150",
  );
  await stage.screenshot(dark, 'dark');
  await dark.context().close();
});

test('the page of the contract fits a narrow screen', async ({ stage }) => {
  const docs = await stage.openPage();
  await docs.goto(`${stage.url}/docs`);
  await stage.screenshot(docs, 'docs', false);
  await docs.setViewportSize({ width: 375, height: 812 });
  const width = Number(await stage.evaluate(docs, 'document.documentElement.scrollWidth'));
  assert.ok(width <= 375, `the page is ${width} pixels wide, at most 375 fit`);
  await stage.screenshot(docs, 'docs-narrow', false);
  await docs.context().close();
});

test('the page loads nothing from other hosts and reports no errors', ({ stage, load }) => {
  assert.equal(stage.errors, []);
  assert.is(load?.failed, 0);
});

if (hasBrowser()) test.run();
else console.log('SKIPPED dashboard: /usr/bin/chromium is not installed (Debian: apt-get install chromium)');
