/** Figures as people read them, and curves as paths. */

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** A count with thousands set apart, `–` where there is none. */
export function whole(value: number | null): string {
  return value === null ? '–' : WHOLE.format(value);
}

/** A rate or a latency with two to three digits that mean something: `0.84`, `12.3`, `1,204`. */
export function figure(value: number | null): string {
  if (value === null) return '–';
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : WHOLE.format(value);
}

export function percent(ratio: number | null): string {
  return ratio === null ? '–' : `${Math.round(ratio * 100)}%`;
}

/** A time of day in the viewer's zone, `14:03:27`. */
export function clockTime(ms: number): string {
  const date = new Date(ms);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** How long something lasts, `0.4 s`, `12 s`, `3 min`. */
export function lasting(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/**
 * A curve through values from left to right, the last at the right edge, as the `d` of an SVG path; nothing is drawn
 * where a value is null. The lowest line is 0, the highest the greatest value but at least `floor`.
 */
export function curvePath(
  values: readonly (number | null)[],
  o: { readonly width: number; readonly height: number; readonly points: number; readonly floor: number },
): string {
  const shown = values.slice(-o.points);
  const top = Math.max(o.floor, ...shown.map((value) => value ?? 0));
  const step = o.width / Math.max(1, o.points - 1);
  const start = o.width - step * Math.max(0, shown.length - 1);
  let isDrawing = false;
  let path = '';
  for (const [at, value] of shown.entries()) {
    if (value !== null) {
      // Half a unit is kept free at both edges, so that the line is not cut in half there.
      const y = o.height - 1 - (value / top) * (o.height - 2);
      path += `${isDrawing ? 'L' : 'M'}${(start + at * step).toFixed(1)} ${y.toFixed(1)}`;
    }
    isDrawing = value !== null;
  }
  return path;
}
