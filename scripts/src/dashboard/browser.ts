/** Debian's Chromium, driven by playwright-core, which brings no browser of its own. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Nothing of the browser's own traffic may leave the machine or stand between the page and the test. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Whether there is a browser to test with. */
export function hasBrowser(): boolean {
  return existsSync(EXECUTABLE);
}

/** Starts the browser; whoever calls closes it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
}
