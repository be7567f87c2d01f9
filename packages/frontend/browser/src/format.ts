/** Formats numbers and times, and builds curves as SVG paths. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A count with thousands separators, `–` for null. */
export function formatCount(value: number | null): string {
  return value === null ? '–' : WHOLE.format(value);
}

/** A rate or a latency with two to four significant digits: `0.84`, `12.3`, `1,204`. */
export function formatNumber(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : WHOLE.format(value);
}

export function formatPercent(ratio: number | null): string {
  return ratio === null ? '–' : `${Math.round(ratio * 100)}%`;
}

/** A time of day in the viewer's time zone: `14:03:27`. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** A duration: `0.4 s`, `12 s`, `3 min`. */
export function formatDuration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/**
 * A curve through values from left to right, the last one at the right edge, as the `d` attribute of an SVG
 * path. A null value leaves a gap. The bottom edge is 0, the top edge the greatest value but at least
 * `floor`.
 */
export function curvePath(
  values: readonly (number | null)[],
  box: { readonly width: number; readonly height: number; readonly points: number; readonly floor: number },
): string {
  const shown = values.slice(-box.points);
  const top = Math.max(box.floor, ...shown.map((value) => value ?? 0));
  const step = box.width / Math.max(1, box.points - 1);
  const start = box.width - step * Math.max(0, shown.length - 1);
  let isDrawing = false;
  let path = '';
  for (const [at, value] of shown.entries()) {
    if (value !== null) {
      // A margin at both edges keeps the line from being clipped.
      const y = box.height - 1 - (value / top) * (box.height - 2);
      path += `${isDrawing ? 'L' : 'M'}${(start + at * step).toFixed(1)} ${y.toFixed(1)}`;
    }
    isDrawing = value !== null;
  }
  return path;
}
