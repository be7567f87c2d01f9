/** What came of all scenarios, as one page that holds all it shows. */
import { raw } from 'hono/html';
import { holds } from '../rules/verdict.js';
import type { RunResult } from '../run/play.js';
import { chartOf } from './chart.js';
import { html, type Markup } from './html.js';
import type { Unplayed } from './table.js';

export interface PageInput {
  readonly played: readonly RunResult[];
  readonly skipped: readonly Unplayed[];
  /** Those that could not be played to their end. */
  readonly broken: readonly Unplayed[];
  /** How it was run: the seed, and what it ran on. */
  readonly facts: Readonly<Record<string, string>>;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#1b2430;--soft:#67727e;--line:#d9dee4;--paper:#fbfcfd;--card:#fff;--good:#1a7f4b;
--bad:#c2271d;--range:#9db8d9;--median:#1f4e8c;--leader:#d98a00;--up:#9aa5b1;--unknown:#d98a00}
@media(prefers-color-scheme:dark){:root{--ink:#dfe5ec;--soft:#94a0ad;--line:#2c3641;--paper:#12171d;--card:#1a2129;
--good:#4cc38a;--bad:#ff6b5e;--range:#3c5677;--median:#8fb8f0;--leader:#f0b34a;--up:#5c6875;--unknown:#f0b34a}}
body{margin:2rem auto;max-width:68rem;padding:0 1rem;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1{font-size:1.5rem;margin:0 0 .3rem}h2{font-size:1.05rem;margin:0}p{margin:.4rem 0;color:var(--soft)}
.wide{overflow-x:auto;margin:1rem 0}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right}th{color:var(--soft);font-weight:500}
th:first-child,td:first-child,th:last-child,td:last-child{text-align:left}td:last-child{min-width:16rem}a{color:inherit}
article{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1.2rem 0}
.ok{color:var(--good)}.bad{color:var(--bad);font-weight:600}li.bad{font-weight:400}li.bad li{white-space:pre-line}
ul{margin:.3rem 0;padding-left:1.2rem;font-size:.9rem}details{font-size:.9rem;margin-top:.4rem}summary{cursor:pointer;color:var(--soft)}
code{font-size:.85em;overflow-wrap:anywhere}svg{width:100%;height:auto;margin-top:.5rem;font:10px system-ui,sans-serif}
svg text{fill:var(--soft)}svg .name,svg .kind{fill:var(--ink)}.grid{stroke:var(--line);stroke-width:.6}
.fault line{stroke:var(--bad);stroke-width:.7;stroke-dasharray:2 3;opacity:.6}.fault path{fill:var(--bad)}
.many .fault line{opacity:.25}svg .fault:hover line{stroke-width:2;opacity:1}.range{fill:var(--range)}.median{fill:var(--median)}.failed{fill:var(--bad)}
.unknown{fill:var(--unknown)}.leader{fill:var(--leader)}.up{fill:var(--up)}`;

/** @returns a whole HTML document, which loads nothing. */
export function pageOf({ played, skipped, broken, facts }: PageInput): string {
  const violated = played.filter(({ verdicts }) => !verdicts.every(holds)).length + broken.length;
  const operations = played.reduce((sum, { availability }) => sum + availability.operations, 0);
  const words =
    violated === 0
      ? html`<span class="ok">none violated</span>`
      : html`<span class="bad">${violated} violated</span>`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Trireme: faults, ${violated} violated</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <h1>Real processes, real faults: ${scenarios(played.length)}, ${words}</h1>
        <p>${operations} operations checked, ${scenarios(skipped.length)} skipped. ${factsOf(facts)}</p>
        <p>
          In each drawing a numbered mark is something that was done; point at it to read it. A thick bar in a
          replica's lane is the time in which it led, a thin one in which it answered at all. Below, each
          slice of time shows requests by when they were sent: from the median to the longest latency, and on
          the floor, red, those that failed and, amber, those whose outcome is unknown to the client that
          asked.
        </p>
        <div class="wide">${summaryTable(played)}</div>
        ${unplayed('Broken', broken)} ${unplayed('Skipped', skipped)}
        ${played.map((one, i) => article(one, i))}
      </body>
    </html>`;
  return String(page);
}

function scenarios(count: number): string {
  return `${count} ${count === 1 ? 'scenario' : 'scenarios'}`;
}

function factsOf(facts: Readonly<Record<string, string>>): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}

function summaryTable(played: PageInput['played']): Markup {
  const rows = played.map(({ name, verdicts, tookMs, availability }, i) => {
    const isKept = verdicts.every(holds);
    return html`<tr>
      <td class="${isKept ? 'ok' : 'bad'}">${isKept ? 'kept' : 'VIOLATED'}</td>
      <td>${(tookMs / 1000).toFixed(1)}</td>
      <td>${availability.operations}</td>
      <td>${availability.failed}</td>
      <td>${availability.unknown}</td>
      <td>${availability.longestGapMs.toFixed(0)}</td>
      <td><a href="#run-${i}">${name}</a></td>
    </tr>`;
  });
  return html`<table>
    <thead>
      <tr>
        <th>verdict</th>
        <th>seconds</th>
        <th>operations</th>
        <th>failed</th>
        <th>unknown</th>
        <th>longest gap, ms</th>
        <th>scenario</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function unplayed(title: string, those: readonly Unplayed[]): Markup | string {
  if (those.length === 0) return '';
  return html`<h2>${title}</h2>
    <ul>
      ${those.map(({ name, reason }) => html`<li>${name}: ${reason}</li>`)}
    </ul>`;
}

function article(
  { name, verdicts, timeline, folder, picture }: PageInput['played'][number],
  i: number,
): Markup {
  const isKept = verdicts.every(holds);
  const checks = verdicts.map(({ check, examined, problems }) =>
    problems.length === 0
      ? html`<li>${check}: ${examined}</li>`
      : html`<li class="bad">
          ${check}: ${examined}
          <ul>
            ${problems.map((problem) => html`<li>${problem}</li>`)}
          </ul>
        </li>`,
  );
  return html`<article id="run-${i}">
    <h2><span class="${isKept ? 'ok' : 'bad'}">${isKept ? 'kept' : 'VIOLATED'}</span> ${name}</h2>
    ${chartOf(picture, timeline)}
    <details ${isKept ? '' : 'open'}>
      <summary>${verdicts.length} checks</summary>
      <ul>
        ${checks}
      </ul>
    </details>
    <details>
      <summary>${timeline.length} things done</summary>
      <ol>
        ${timeline.map(({ atMs, what }) => html`<li>${(atMs / 1000).toFixed(2)} s: ${what}</li>`)}
      </ol>
    </details>
    <p>History: <code>${folder}/history.jsonl</code></p>
  </article>`;
}
