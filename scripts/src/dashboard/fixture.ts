/** Fixture of the dashboard test: its own cluster, a browser, and a folder for the screenshots. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, CDPSession, Page } from 'playwright-core';
import { findFreeBasePort, LocalCluster } from '@trireme/cluster';
import { openBrowser } from './browser.js';

/** Time limit of every wait, in milliseconds. It bounds a broken page and does not measure a working one. */
const WAIT_MS_MAX = 20_000;

const POLL_MS = 40;

const DESKTOP = { width: 1280, height: 1080 } as const;

export class DashboardFixture {
  readonly cluster: LocalCluster;
  readonly #browser: Browser;
  readonly #dataDir: string;
  readonly #pictures: string;
  readonly #complaints: string[] = [];
  readonly #sessions = new WeakMap<Page, CDPSession>();

  private constructor(cluster: LocalCluster, browser: Browser, dataDir: string, pictures: string) {
    this.cluster = cluster;
    this.#browser = browser;
    this.#dataDir = dataDir;
    this.#pictures = pictures;
  }

  /** Starts a cluster of three replicas and two front-ends, and the browser. */
  static async open(pictures: string): Promise<DashboardFixture> {
    const dataDir = mkdtempSync(join(tmpdir(), 'trireme-dash-'));
    const port = await findFreeBasePort(3, 2);
    const cluster = new LocalCluster({ dataDir, port, frontends: 2, output: () => undefined });
    await cluster.start();
    await cluster.awaitReady();
    mkdirSync(pictures, { recursive: true });
    return new DashboardFixture(cluster, await openBrowser(), dataDir, pictures);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.cluster.stop();
    rmSync(this.#dataDir, { recursive: true });
  }

  /** Base URL of the front-end that serves the pages. */
  get url(): string {
    const [url] = this.cluster.urls;
    if (url === undefined) throw new Error('the cluster has no front-end');
    return url;
  }

  /** Errors so far of scripts, styles or the content security policy, and requests to other hosts. */
  get errors(): readonly string[] {
    return this.#complaints;
  }

  /** Opens the dashboard in a new browser context and waits until it is connected. */
  async openPage(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: DESKTOP, ...options });
    context.setDefaultTimeout(WAIT_MS_MAX);
    const page = await context.newPage();
    page.on('pageerror', (error) => this.#complaints.push(error.message));
    page.on('console', (message) => {
      // Some tests cause refused orders and broken connections on purpose.
      if (message.type() === 'error' && !/net::ERR_|status of (409|50[34])/.test(message.text()))
        this.#complaints.push(message.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(this.url)) this.#complaints.push(`the page loads ${request.url()}`);
    });
    await page.goto(this.url);
    await this.awaitText(page, '#connection', /^live$/);
    return page;
  }

  /** Waits until the text of an element matches; returns the text. */
  async awaitText(page: Page, selector: string, pattern: RegExp): Promise<string> {
    const read = `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`;
    let text: unknown;
    const isShown = async (): Promise<boolean> => {
      text = await this.evaluate(page, read);
      return pattern.test(String(text));
    };
    await waitUntil(
      isShown,
      () => `${selector} must match ${String(pattern)}, but is ${JSON.stringify(text)}`,
    );
    return String(text);
  }

  /** Waits until an expression is true in the page. */
  async awaitTrue(page: Page, expression: string): Promise<void> {
    await waitUntil(
      async () => (await this.evaluate(page, expression)) === true,
      () => expression,
    );
  }

  /** Evaluates an expression in the page. Playwright's own `evaluate` needs `eval`, which the page's policy forbids. */
  async evaluate(page: Page, expression: string): Promise<unknown> {
    let session = this.#sessions.get(page);
    if (session === undefined) {
      session = await page.context().newCDPSession(page);
      this.#sessions.set(page, session);
    }
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
      expression,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value as unknown;
  }

  /** Saves a screenshot. */
  async screenshot(page: Page, name: string, fullPage = true): Promise<void> {
    await page.screenshot({ path: join(this.#pictures, `${name}.png`), fullPage });
  }
}

async function waitUntil(isTrue: () => Promise<boolean>, what: () => string): Promise<void> {
  const end = performance.now() + WAIT_MS_MAX;
  while (!(await isTrue())) {
    if (performance.now() > end) throw new Error(`timed out after ${WAIT_MS_MAX} ms: ${what()}`);
    await delay(POLL_MS);
  }
}
