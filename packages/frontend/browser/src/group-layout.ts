/** Where everything of the group's picture stands: front-end and catalogs at the ends, replicas on an ellipse between. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly frontend: Point;
  readonly catalogs: Point;
  /** By the order of the replicas. */
  readonly replicas: readonly Point[];
  /** Of a replica's circle. */
  readonly radius: number;
  /** Middle of the ellipse. */
  readonly middle: Point;
}

/** Half of the size of the boxes of front-end and catalogs. */
export const BOX = { x: 52, y: 24 } as const;

/** @param isNarrow from top to bottom, for a screen that is higher than wide; else from left to right. */
export function layoutOf(count: number, isNarrow: boolean): Layout {
  const width = isNarrow ? 360 : 760;
  const height = isNarrow ? 480 : 300;
  const middle = { x: width / 2, y: height / 2 };
  const ellipse = isNarrow ? { x: 118, y: 98 } : { x: 165, y: 88 };
  const radius = count > 5 ? 28 : 34;
  return {
    ...{ width, height, middle, radius },
    frontend: isNarrow ? { x: middle.x, y: 34 } : { x: 64, y: middle.y },
    catalogs: isNarrow ? { x: middle.x, y: height - 34 } : { x: width - 64, y: middle.y },
    replicas: Array.from({ length: count }, (_, i) => pointOn(middle, ellipse, i / count)),
  };
}

/** The point at a share of the way round from the top, clockwise. */
function pointOn(middle: Point, half: Point, share: number): Point {
  const angle = share * 2 * Math.PI - Math.PI / 2;
  return { x: middle.x + half.x * Math.cos(angle), y: middle.y + half.y * Math.sin(angle) };
}

/**
 * A line between two things that leaves room for their own shapes, as the `d` of a path.
 * @param by a point that the line bends towards; straight without one.
 */
export function linePath(
  from: Point,
  to: Point,
  clear: { readonly from: number; readonly to: number },
  by: Point | null = null,
): string {
  const start = towards(from, by ?? to, clear.from);
  const end = towards(to, by ?? from, clear.to);
  const bend = by === null ? 'L' : `Q${coordinates(by)} `;
  return `M${coordinates(start)}${bend}${coordinates(end)}`;
}

/**
 * Where the line between an end of the picture and a replica bends: it leaves the end straight, through the middle; to one
 * that stands opposite it goes aside, past the middle, where the term is told.
 */
export function bendOf(end: Point, replica: Point, { isNarrow, middle }: Sides): Point {
  if (!isNarrow) return { x: (end.x + replica.x) / 2, y: end.y };
  const isOpposite = Math.abs(end.x - replica.x) < 1 && (end.y - middle.y) * (replica.y - middle.y) < 0;
  return { x: isOpposite ? end.x + ASIDE : end.x, y: (end.y + replica.y) / 2 };
}

interface Sides {
  readonly isNarrow: boolean;
  readonly middle: Point;
}

/** Half of it is how far the line passes the middle: beside the term, and before the replicas. */
const ASIDE = 64;

function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.max(1, Math.hypot(to.x - from.x, to.y - from.y));
  return {
    x: from.x + ((to.x - from.x) * distance) / length,
    y: from.y + ((to.y - from.y) * distance) / length,
  };
}

function coordinates({ x, y }: Point): string {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** How far the edge of a box of `BOX` lies from its middle towards a point. */
export function boxClearance(box: Point, towards: Point): number {
  const [dx, dy] = [Math.abs(towards.x - box.x), Math.abs(towards.y - box.y)];
  const length = Math.max(1, Math.hypot(dx, dy));
  return Math.min(dx === 0 ? Infinity : (BOX.x * length) / dx, dy === 0 ? Infinity : (BOX.y * length) / dy);
}
