/** The layout of the group's picture: front-end and catalogs at the ends, replicas on an ellipse in between. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly frontend: Point;
  readonly catalogs: Point;
  /** In the order of the replicas. */
  readonly replicas: readonly Point[];
  /** Radius of a replica's circle. */
  readonly radius: number;
  /** Centre of the ellipse. */
  readonly middle: Point;
}

/** Half the size of the boxes of front-end and catalogs. */
export const BOX = { x: 52, y: 24 } as const;

/** @param isNarrow lays out from top to bottom, for tall screens; otherwise from left to right. */
export function layoutOf(count: number, isNarrow: boolean): Layout {
  const width = isNarrow ? 360 : 760;
  const height = isNarrow ? 480 : 300;
  const middle = { x: width / 2, y: height / 2 };
  const ellipse = isNarrow ? { x: 118, y: 98 } : { x: 165, y: 88 };
  const radius = count > 5 ? 28 : 34;
  return {
    width,
    height,
    middle,
    radius,
    frontend: isNarrow ? { x: middle.x, y: 34 } : { x: 64, y: middle.y },
    catalogs: isNarrow ? { x: middle.x, y: height - 34 } : { x: width - 64, y: middle.y },
    replicas: Array.from({ length: count }, (_, i) => pointOn(middle, ellipse, i / count)),
  };
}

/** The point on the ellipse after a share of a clockwise turn from the top. */
function pointOn(middle: Point, half: Point, share: number): Point {
  const angle = share * 2 * Math.PI - Math.PI / 2;
  return { x: middle.x + half.x * Math.cos(angle), y: middle.y + half.y * Math.sin(angle) };
}

/**
 * A line between two shapes that keeps clear of both, as the `d` attribute of a path.
 * @param clear distance from the centre of each shape to its end of the line.
 * @param by control point of a curve; null for a straight line.
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
 * The control point of the line between an end of the picture and a replica. A line to a replica on the
 * opposite side curves around the middle, which shows the term.
 */
export function controlPointOf(end: Point, replica: Point, { isNarrow, middle }: Sides): Point {
  if (!isNarrow) return { x: (end.x + replica.x) / 2, y: end.y };
  const isOpposite = Math.abs(end.x - replica.x) < 1 && (end.y - middle.y) * (replica.y - middle.y) < 0;
  return { x: isOpposite ? end.x + ASIDE : end.x, y: (end.y + replica.y) / 2 };
}

interface Sides {
  readonly isNarrow: boolean;
  readonly middle: Point;
}

/**
 * Sideways offset of the control point: the line passes the middle at half of it, clear of term and replicas.
 */
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

/** Distance from the centre of a box to its edge, in the direction of a point. */
export function boxClearance(box: Point, towards: Point): number {
  const [dx, dy] = [Math.abs(towards.x - box.x), Math.abs(towards.y - box.y)];
  const length = Math.max(1, Math.hypot(dx, dy));
  return Math.min(dx === 0 ? Infinity : (BOX.x * length) / dx, dy === 0 ? Infinity : (BOX.y * length) / dy);
}
