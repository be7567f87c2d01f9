/** Where everything of the group's picture stands: front-end and catalog at the ends, replicas on an ellipse between. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly frontend: Point;
  readonly catalog: Point;
  /** By the order of the replicas. */
  readonly replicas: readonly Point[];
  /** Of a replica's circle. */
  readonly radius: number;
  /** Middle of the ellipse. */
  readonly middle: Point;
}

/** Half of the size of the boxes of front-end and catalog. */
export const BOX = { x: 52, y: 24 } as const;

/** @param isNarrow from top to bottom, for a screen that is higher than wide; else from left to right. */
export function layoutOf(count: number, isNarrow: boolean): Layout {
  const width = isNarrow ? 360 : 760;
  const height = isNarrow ? 480 : 300;
  const middle = { x: width / 2, y: height / 2 };
  const ellipse = isNarrow ? { x: 118, y: 98 } : { x: 165, y: 92 };
  const radius = count > 5 ? 28 : 34;
  return {
    ...{ width, height, middle, radius },
    frontend: isNarrow ? { x: middle.x, y: 34 } : { x: 64, y: middle.y },
    catalog: isNarrow ? { x: middle.x, y: height - 34 } : { x: width - 64, y: middle.y },
    replicas: Array.from({ length: count }, (_, i) => pointOn(middle, ellipse, i / count)),
  };
}

/** The point at a share of the way round from the top, clockwise. */
function pointOn(middle: Point, half: Point, share: number): Point {
  const angle = share * 2 * Math.PI - Math.PI / 2;
  return { x: middle.x + half.x * Math.cos(angle), y: middle.y + half.y * Math.sin(angle) };
}

/** A straight line between two things that leaves room for their own shapes. */
export function between(
  from: Point,
  to: Point,
  clear: { readonly from: number; readonly to: number },
): { readonly x1: string; readonly y1: string; readonly x2: string; readonly y2: string } {
  const length = Math.max(1, Math.hypot(to.x - from.x, to.y - from.y));
  const at = (distance: number): Point => ({
    x: from.x + ((to.x - from.x) * distance) / length,
    y: from.y + ((to.y - from.y) * distance) / length,
  });
  const [start, end] = [at(clear.from), at(length - clear.to)];
  return {
    x1: start.x.toFixed(1),
    y1: start.y.toFixed(1),
    x2: end.x.toFixed(1),
    y2: end.y.toFixed(1),
  };
}

/** How far the edge of a box of `BOX` lies from its middle towards a point. */
export function boxClearance(box: Point, towards: Point): number {
  const [dx, dy] = [Math.abs(towards.x - box.x), Math.abs(towards.y - box.y)];
  const length = Math.max(1, Math.hypot(dx, dy));
  return Math.min(dx === 0 ? Infinity : (BOX.x * length) / dx, dy === 0 ? Infinity : (BOX.y * length) / dy);
}
