/** Tiles for rates and latencies: a current value each, and a curve of the last minute. */
import type { CurvePoint } from '../../src/dashboard/event-streams.js';
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import { byId, SvgScene, setText, svgById } from './dom.js';
import { curvePath, formatNumber, formatPercent, formatCount } from './format.js';

/** Maximum number of points of a curve; two points per second. */
const POINTS = 120;
const BOX = { width: 120, height: 32, points: POINTS } as const;

export class Tiles {
  readonly #orders = new SvgScene(svgById('orders-rate-curve'));
  readonly #latency = new SvgScene(svgById('latency-curve'));
  readonly #lookups = new SvgScene(svgById('lookups-rate-curve'));
  #points: CurvePoint[] = [];

  /** Takes the points that a new stream starts with. A restarted server has none: then the curves stay. */
  reset(points: readonly CurvePoint[]): void {
    if (points.length > 0) this.#points = [...points];
    this.#draw();
  }

  add(point: CurvePoint): void {
    this.#points.push(point);
    if (this.#points.length > POINTS) this.#points.shift();
    this.#draw();
  }

  show({ traffic, requestsOpen, ordersTotal, replicas }: DashboardSnapshot): void {
    setText(byId('orders-rate-value'), formatNumber(traffic.filled));
    const failures = [
      ...(traffic.refused > 0 ? [`${formatNumber(traffic.refused)}/s refused`] : []),
      ...(traffic.failed > 0 ? [`${formatNumber(traffic.failed)}/s failed`] : []),
    ];
    setText(
      byId('orders-rate-aside'),
      failures.length > 0 ? failures.join(', ') : `${formatCount(requestsOpen)} open`,
    );
    setText(byId('latency-value'), formatNumber(traffic.p50Ms));
    setText(byId('latency-aside'), `p99 ${formatNumber(traffic.p99Ms)} ms`);
    setText(byId('lookups-rate-value'), formatNumber(traffic.lookups));
    setText(byId('lookups-rate-aside'), `${formatPercent(traffic.hitRatio)} from the cache`);
    setText(byId('orders-total-value'), formatCount(ordersTotal));
    setText(byId('orders-total-aside'), agreement(replicas));
  }

  #draw(): void {
    const column = (at: 0 | 1 | 2 | 3): readonly (number | null)[] => this.#points.map((point) => point[at]);
    drawCurve(this.#orders, 'main', column(0), 1);
    const latencyTop = Math.max(1, ...column(2).map((value) => value ?? 0));
    drawCurve(this.#latency, 'second', column(2), latencyTop);
    drawCurve(this.#latency, 'main', column(1), latencyTop);
    drawCurve(this.#lookups, 'main', column(3), 1);
    for (const scene of [this.#orders, this.#latency, this.#lookups]) scene.finish();
  }
}

/** Compares the order books of the replicas that have applied the same index. */
function agreement(replicas: DashboardSnapshot['replicas']): string {
  const reporting = replicas.filter(
    ({ hash, role }) => hash !== null && role !== 'unlinked' && role !== 'silent',
  );
  const top = Math.max(0, ...reporting.map(({ applied }) => applied ?? 0));
  const atTop = reporting.filter(({ applied }) => applied === top);
  if (new Set(atTop.map(({ hash }) => hash)).size > 1) return 'copies differ!';
  return atTop.length === reporting.length && reporting.length > 1
    ? `${reporting.length} identical copies`
    : 'no difference found';
}

function drawCurve(scene: SvgScene, name: string, values: readonly (number | null)[], floor: number): void {
  scene.put('base', 'line', {
    class: 'line base',
    x1: 0,
    x2: BOX.width,
    y1: BOX.height - 1,
    y2: BOX.height - 1,
  });
  scene.put(name, 'path', { class: `line ${name}`, d: curvePath(values, { ...BOX, floor }) });
}
