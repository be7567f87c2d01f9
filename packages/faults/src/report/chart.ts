/** One run as a drawing: what was done to it, who led, and how requests fared, over one time axis. */
import type { TimelineEntry } from '../run/run.js';
import { html, type Markup } from './html.js';
import { KINDS, type Kind, type Picture, type Slice, type Span } from './picture.js';

const WIDTH = 1000;
const LEFT = 92;
const RIGHT = 12;
const REPLICA_HEIGHT = 16;
const PANEL_HEIGHT = 84;
const GAP = 22;
const TOP = 22;
/** Of the small print, at most. */
const DIGIT_WIDTH = 6.5;

/** With more marks their lines are faint, or nothing else is seen. */
const MARKS_FEW = 60;

/** Latencies from 0.1 ms to 10 s, on a logarithmic scale. */
const DECADES = [0.1, 1, 10, 100, 1_000, 10_000] as const;

interface Scale {
  /** Milliseconds of the run to a place on the page. */
  readonly x: (ms: number) => number;
}

function rounded(value: number): string {
  return value.toFixed(1);
}

function heightOfLatency(ms: number): number {
  const share = Math.log10(Math.min(Math.max(ms, 0.1), 10_000) / 0.1) / (DECADES.length - 1);
  return share * PANEL_HEIGHT;
}

/** @returns an SVG element that names every fault, slice and role to whoever points at it. */
export function chartOf(picture: Picture, timeline: readonly TimelineEntry[]): Markup {
  const names = Object.keys(picture.replicas);
  const length = Math.max(picture.lengthMs, ...timeline.map(({ atMs }) => atMs));
  const scale: Scale = { x: (ms) => LEFT + (ms / length) * (WIDTH - LEFT - RIGHT) };
  const panelsTop = TOP + names.length * REPLICA_HEIGHT + GAP;
  const bottom = panelsTop + KINDS.length * (PANEL_HEIGHT + GAP);
  const label = `Faults, leaders and latencies over ${(length / 1000).toFixed(1)} seconds`;
  const density = timeline.length > MARKS_FEW ? 'many' : 'few';
  return html`<svg class="${density}" viewBox="0 0 ${WIDTH} ${bottom + 16}" role="img" aria-label="${label}">
    ${names.map((name, i) => replicaLane(name, picture.replicas[name] ?? [], TOP + i * REPLICA_HEIGHT, scale))}
    ${KINDS.map((kind, i) => panel(kind, picture, panelsTop + i * (PANEL_HEIGHT + GAP), scale))}
    ${faults(timeline, bottom - GAP, scale)} ${timeAxis(length, bottom, scale)}
  </svg>`;
}

/** Each gets its mark, and its number where there is room beside the number before it. */
function faults(timeline: readonly TimelineEntry[], bottom: number, { x }: Scale): Markup[] {
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

function replicaLane(name: string, spans: readonly Span[], top: number, { x }: Scale): Markup {
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

function panel(kind: Kind, picture: Picture, top: number, scale: Scale): Markup {
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

/** From the median to the longest as a bar; errors stand on the floor, whatever was answered beside them. */
function bar(kind: Kind, slice: Slice, sliceMs: number, floor: number, { x }: Scale): Markup {
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
  const told =
    medianMs === null ? '' : `, median ${medianMs.toFixed(1)} ms, longest ${(longestMs ?? 0).toFixed(1)} ms`;
  const title = `${(atMs / 1000).toFixed(2)} s: ${answered} ${kind} answered${told}, ${failed} failed, ${unknown} unknown`;
  return html`<g><title>${title}</title>${latencies}${errors}</g>`;
}

/** A mark every 1, 2 or 5 times a power of ten seconds, about ten in all. */
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
