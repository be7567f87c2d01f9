/** The results of all scenarios as one self-contained HTML page. */
import { raw } from 'hono/html';
import { isPassed } from '../rules/check-result.js';
import type { ScenarioResult } from '../run/run-scenario.js';
import { renderChart } from './chart.js';
import { html, type Markup } from './html.js';
import type { SkippedScenario } from './table.js';

export interface ReportInput {
  readonly played: readonly ScenarioResult[];
  readonly skipped: readonly SkippedScenario[];
  /** Scenarios that failed with an error. */
  readonly broken: readonly SkippedScenario[];
  /** Parameters of the run, such as the seed and the Node version. */
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

/** @returns an HTML document without external resources. */
export function renderReport({ played, skipped, broken, facts }: ReportInput): string {
  const violated = played.filter(({ verdicts }) => !verdicts.every(isPassed)).length + broken.length;
  const operations = played.reduce((sum, { availability }) => sum + availability.operations, 0);
  const summary =
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
        <h1>Faults on real processes: ${scenarios(played.length)}, ${summary}</h1>
        <p>${operations} operations checked, ${scenarios(skipped.length)} skipped. ${factsOf(facts)}</p>
        <p>
          In each chart a numbered mark is an injected fault or another event; hover over it for a
          description. In the lane of a replica, a thick bar is the time in which it led, and a thin bar the
          time in which it answered. Below, each bar covers the requests that were sent in one slice of time,
          from the median to the longest latency. At the bottom, red marks failed requests, and amber marks
          requests whose outcome the client does not know.
        </p>
        <div class="wide">${summaryTable(played)}</div>
        ${unplayed('Errors', broken)} ${unplayed('Skipped', skipped)}
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

function summaryTable(played: ReportInput['played']): Markup {
  const rows = played.map(({ name, verdicts, tookMs, availability }, i) => {
    const isKept = verdicts.every(isPassed);
    return html`<tr>
      <td class="${isKept ? 'ok' : 'bad'}">${isKept ? 'ok' : 'FAIL'}</td>
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
        <th>result</th>
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

function unplayed(title: string, entries: readonly SkippedScenario[]): Markup | string {
  if (entries.length === 0) return '';
  return html`<h2>${title}</h2>
    <ul>
      ${entries.map(({ name, reason }) => html`<li>${name}: ${reason}</li>`)}
    </ul>`;
}

function article(
  { name, verdicts, timeline, folder, picture }: ReportInput['played'][number],
  i: number,
): Markup {
  const isKept = verdicts.every(isPassed);
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
    <h2><span class="${isKept ? 'ok' : 'bad'}">${isKept ? 'ok' : 'FAIL'}</span> ${name}</h2>
    ${renderChart(picture, timeline)}
    <details ${isKept ? '' : 'open'}>
      <summary>${verdicts.length} checks</summary>
      <ul>
        ${checks}
      </ul>
    </details>
    <details>
      <summary>${timeline.length} events</summary>
      <ol>
        ${timeline.map(({ atMs, what }) => html`<li>${(atMs / 1000).toFixed(2)} s: ${what}</li>`)}
      </ol>
    </details>
    <p>History: <code>${folder}/history.jsonl</code></p>
  </article>`;
}
