/** Rates and latencies: a figure each, with a curve of the last minute. */
import type { CurvePoint } from '../../src/dashboard/viewers.js';
import type { DashboardSnapshot } from '../../src/rules/dashboard/snapshot.js';
import { byId, Scene, setText, svgById } from './dom.js';
import { curvePath, figure, percent, whole } from './format.js';

/** Points of a curve, two a second. */
const POINTS = 120;
const BOX = { width: 120, height: 32, points: POINTS } as const;

export class Tiles {
  readonly #orders = new Scene(svgById('orders-rate-curve'));
  readonly #latency = new Scene(svgById('latency-curve'));
  readonly #lookups = new Scene(svgById('lookups-rate-curve'));
  #points: CurvePoint[] = [];

  /** A new stream begins with what its server still knows; a server that starts afresh does not wipe the curves. */
  begin(points: readonly CurvePoint[]): void {
    if (points.length > 0) this.#points = [...points];
    this.#draw();
  }

  add(point: CurvePoint): void {
    this.#points.push(point);
    if (this.#points.length > POINTS) this.#points.shift();
    this.#draw();
  }

  show({ traffic, requestsOpen, ordersTotal, replicas }: DashboardSnapshot): void {
    setText(byId('orders-rate-value'), figure(traffic.filled));
    const bad = [
      ...(traffic.refused > 0 ? [`${figure(traffic.refused)}/s refused`] : []),
      ...(traffic.failed > 0 ? [`${figure(traffic.failed)}/s failed`] : []),
    ];
    setText(byId('orders-rate-aside'), bad.length > 0 ? bad.join(', ') : `${whole(requestsOpen)} open`);
    setText(byId('latency-value'), figure(traffic.p50Ms));
    setText(byId('latency-aside'), `p99 ${figure(traffic.p99Ms)} ms`);
    setText(byId('lookups-rate-value'), figure(traffic.lookups));
    setText(byId('lookups-rate-aside'), `${percent(traffic.hitRatio)} from the cache`);
    setText(byId('orders-total-value'), whole(ordersTotal));
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

/** Replicas that have applied equally much must have equal books. */
function agreement(replicas: DashboardSnapshot['replicas']): string {
  const told = replicas.filter(({ hash, role }) => hash !== null && role !== 'unlinked' && role !== 'silent');
  const top = Math.max(0, ...told.map(({ applied }) => applied ?? 0));
  const atTop = told.filter(({ applied }) => applied === top);
  if (new Set(atTop.map(({ hash }) => hash)).size > 1) return 'books differ!';
  return atTop.length === told.length && told.length > 1
    ? `${told.length} equal books`
    : 'no difference seen';
}

function drawCurve(scene: Scene, name: string, values: readonly (number | null)[], floor: number): void {
  scene.put('base', 'line', {
    class: 'line base',
    x1: 0,
    x2: BOX.width,
    y1: BOX.height - 1,
    y2: BOX.height - 1,
  });
  scene.put(name, 'path', { class: `line ${name}`, d: curvePath(values, { ...BOX, floor }) });
}
