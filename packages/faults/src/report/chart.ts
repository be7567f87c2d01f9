/** A chart of one run over time: injected faults, leaders, and latencies and errors of requests. */
import type { TimelineEvent } from '../run/scenario-run.js';
import { html, type Markup } from './html.js';
import {
  OPERATION_KINDS,
  type OperationKind,
  type RunSummary,
  type TimeSlice,
  type RoleSpan,
} from './run-summary.js';

const WIDTH = 1000;
const LEFT = 92;
const RIGHT = 12;
const REPLICA_HEIGHT = 16;
const PANEL_HEIGHT = 84;
const GAP = 22;
const TOP = 22;
/** Maximum width of a digit in the small font. */
const DIGIT_WIDTH = 6.5;

/** With more marks than this, their lines are faint. */
const MARKS_FEW = 60;

/** Grid lines of the logarithmic latency scale, in ms. */
const DECADES = [0.1, 1, 10, 100, 1_000, 10_000] as const;

interface Scale {
  /** Maps milliseconds of the run to a horizontal position. */
  readonly x: (ms: number) => number;
}

function rounded(value: number): string {
  return value.toFixed(1);
}

function heightOfLatency(ms: number): number {
  const share = Math.log10(Math.min(Math.max(ms, 0.1), 10_000) / 0.1) / (DECADES.length - 1);
  return share * PANEL_HEIGHT;
}

/** @returns an SVG element with a tooltip for every fault, slice and role. */
export function renderChart(picture: RunSummary, timeline: readonly TimelineEvent[]): Markup {
  const names = Object.keys(picture.replicas);
  const length = Math.max(picture.lengthMs, ...timeline.map(({ atMs }) => atMs));
  const scale: Scale = { x: (ms) => LEFT + (ms / length) * (WIDTH - LEFT - RIGHT) };
  const panelsTop = TOP + names.length * REPLICA_HEIGHT + GAP;
  const bottom = panelsTop + OPERATION_KINDS.length * (PANEL_HEIGHT + GAP);
  const label = `Faults, leaders and latencies over ${(length / 1000).toFixed(1)} seconds`;
  const density = timeline.length > MARKS_FEW ? 'many' : 'few';
  return html`<svg class="${density}" viewBox="0 0 ${WIDTH} ${bottom + 16}" role="img" aria-label="${label}">
    ${names.map((name, i) => replicaLane(name, picture.replicas[name] ?? [], TOP + i * REPLICA_HEIGHT, scale))}
    ${OPERATION_KINDS.map((kind, i) => panel(kind, picture, panelsTop + i * (PANEL_HEIGHT + GAP), scale))}
    ${faults(timeline, bottom - GAP, scale)} ${timeAxis(length, bottom, scale)}
  </svg>`;
}

/** A mark for each fault, with its number unless that would overlap the previous number. */
function faults(timeline: readonly TimelineEvent[], bottom: number, { x }: Scale): Markup[] {
  let takenTo = 0;
  return timeline.map(({ atMs, what }, i) => {
    const at = x(atMs);
    const number = String(i + 1);
    const half = (number.length * DIGIT_WIDTH) / 2;
    const isNumbered = at - half >= takenTo;
    if (isNumbered) takenTo = at + half + DIGIT_WIDTH / 2;
    return html`<g class="fault">
      <title>${number}, ${(atMs / 1000).toFixed(2)} s: ${what}</title>
      <line x1="${rounded(at)}" x2="${rounded(at)}" y1="${TOP - 6}" y2="${bottom}" />
      <path d="M${rounded(at)} ${TOP - 4}l-4 -7h8z" />
      ${isNumbered ? html`<text x="${rounded(at)}" y="9" text-anchor="middle">${number}</text>` : ''}
    </g>`;
  });
}

function replicaLane(name: string, spans: readonly RoleSpan[], top: number, { x }: Scale): Markup {
  const bars = spans.map(({ fromMs, toMs, role, term }) => {
    const isLeader = role === 'leader';
    const height = isLeader ? 11 : 3;
    return html`<rect
      class="${isLeader ? 'leader' : 'up'}"
      x="${rounded(x(fromMs))}"
      y="${top + (REPLICA_HEIGHT - height) / 2}"
      width="${rounded(Math.max(1, x(toMs) - x(fromMs)))}"
      height="${height}"
    >
      <title>${name}: ${role} in term ${term}</title>
    </rect>`;
  });
  return html`<text class="name" x="${LEFT - 8}" y="${top + 12}" text-anchor="end">${name}</text>${bars}`;
}

function panel(kind: OperationKind, picture: RunSummary, top: number, scale: Scale): Markup {
  const floor = top + PANEL_HEIGHT;
  const slices = picture.slices[kind];
  const grid = DECADES.map((ms) => {
    const y = rounded(floor - heightOfLatency(ms));
    const unit = ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
    return html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" /><text
        class="tick"
        x="${LEFT - 8}"
        y="${y}"
        dy="3"
        text-anchor="end"
      >
        ${unit}
      </text>`;
  });
  return html`${grid}
    <text class="kind" x="${LEFT + 4}" y="${top - 5}">${kind}</text>
    ${slices.map((slice) => bar(kind, slice, picture.sliceMs, floor, scale))}`;
}

/** A bar from the median to the longest latency, and marks for errors at the bottom. */
function bar(kind: OperationKind, slice: TimeSlice, sliceMs: number, floor: number, { x }: Scale): Markup {
  const { atMs, medianMs, longestMs, answered, failed, unknown } = slice;
  const width = Math.max(1, x(atMs + sliceMs) - x(atMs) - 0.5);
  const at = rounded(x(atMs));
  const rect = (className: string, from: number, to: number): Markup =>
    html`<rect
      class="${className}"
      x="${at}"
      y="${rounded(floor - to)}"
      width="${rounded(width)}"
      height="${rounded(Math.max(1.5, to - from))}"
    />`;
  const latencies =
    medianMs === null || longestMs === null
      ? []
      : [
          rect('range', heightOfLatency(medianMs), heightOfLatency(longestMs)),
          rect('median', heightOfLatency(medianMs), heightOfLatency(medianMs) + 1.5),
        ];
  const errors = [
    ...(failed > 0 ? [rect('failed', 0, 9)] : []),
    ...(unknown > 0 ? [rect('unknown', 0, 5)] : []),
  ];
  const latency =
    medianMs === null ? '' : `, median ${medianMs.toFixed(1)} ms, longest ${(longestMs ?? 0).toFixed(1)} ms`;
  const title = `${(atMs / 1000).toFixed(2)} s: ${answered} ${kind} answered${latency}, ${failed} failed, ${unknown} unknown`;
  return html`<g><title>${title}</title>${latencies}${errors}</g>`;
}

/** About ten ticks, at a distance of 1, 2 or 5 times a power of ten. */
function timeAxis(length: number, y: number, { x }: Scale): Markup {
  const rough = length / 10;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((times) => times * power >= rough) ?? 10);
  const marks = Array.from({ length: Math.floor(length / step) + 1 }, (_, i) => i * step);
  return html`${marks.map(
    (ms) =>
      html`<text class="tick" x="${rounded(x(ms))}" y="${y + 4}" text-anchor="middle">${ms / 1000} s</text>`,
  )}`;
}
