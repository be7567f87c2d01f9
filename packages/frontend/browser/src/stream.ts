/**
 * The stream of looks at the cluster. It is dialed again for as long as the page is open, also where the browser would
 * give up, and also where the connection stays open and nothing comes: a process that stands still closes nothing.
 */
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import type { CurvePoint } from '../../src/dashboard/viewers.js';

/** Looks come every half second; after this long without one the connection counts as lost. In milliseconds. */
const SILENCE_MS = 3_000;
/** Between two attempts, in milliseconds. */
const REDIAL_MS = 1_000;

interface StreamHandler {
  readonly state: (snapshot: DashboardSnapshot) => void;
  readonly curves: (points: readonly CurvePoint[]) => void;
  readonly point: (point: CurvePoint) => void;
  readonly lost: () => void;
}

/** Keeps the stream open; calls the handler with whatever comes. */
export function keepStream(handler: StreamHandler): void {
  let source: EventSource | null = null;
  let watchdog = 0;
  let redial = 0;

  const lose = (): void => {
    source?.close();
    source = null;
    clearTimeout(watchdog);
    clearTimeout(redial);
    handler.lost();
    redial = window.setTimeout(dial, REDIAL_MS);
  };
  const alive = (): void => {
    clearTimeout(watchdog);
    watchdog = window.setTimeout(lose, SILENCE_MS);
  };
  const dial = (): void => {
    const opened = new EventSource('/dashboard/stream');
    source = opened;
    alive();
    opened.onerror = lose;
    opened.addEventListener('state', (event) => {
      alive();
      handler.state(JSON.parse(textOf(event)) as DashboardSnapshot);
    });
    opened.addEventListener('curves', (event) =>
      handler.curves(JSON.parse(textOf(event)) as readonly CurvePoint[]),
    );
    opened.addEventListener('point', (event) => handler.point(JSON.parse(textOf(event)) as CurvePoint));
  };
  dial();
}

function textOf(event: MessageEvent): string {
  return String(event.data);
}
