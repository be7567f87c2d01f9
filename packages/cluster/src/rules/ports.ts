/** Where every process of a cluster listens, all derived from one base port. */

/** Front-ends that one cluster runs at most. */
const FRONTENDS_MAX = 16;

/** How many replicas a cluster may have; one is for tests. */
const REPLICA_COUNTS: readonly number[] = [1, 3, 5];

/** Farthest port from the base. */
const SPAN = 130;

const PORT_MAX = 65_535;

/** The ports of one cluster. List positions are ids less one. */
export interface PortPlan {
  readonly frontends: readonly number[];
  readonly catalog: number;
  readonly replicas: readonly number[];
  readonly peers: readonly number[];
  readonly control: number;
}

/**
 * Plans the ports: front-ends from `base`, catalog at +100, replica i at +110+i, its peer port at +120+i, control at +130.
 * @throws RangeError naming the option that is out of bounds.
 */
export function planPorts(base: number, replicas: number, frontends: number): PortPlan {
  if (!Number.isSafeInteger(base) || base < 1 || base + SPAN > PORT_MAX) {
    throw new RangeError(`port must be a whole number from 1 to ${PORT_MAX - SPAN}, not ${base}`);
  }
  if (!REPLICA_COUNTS.includes(replicas)) {
    throw new RangeError(`replicas must be one of ${REPLICA_COUNTS.join(', ')}, not ${replicas}`);
  }
  if (!Number.isSafeInteger(frontends) || frontends < 1 || frontends > FRONTENDS_MAX) {
    throw new RangeError(`frontends must be a whole number from 1 to ${FRONTENDS_MAX}, not ${frontends}`);
  }
  const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
  return {
    frontends: from(base, frontends),
    catalog: base + 100,
    replicas: from(base + 111, replicas),
    peers: from(base + 121, replicas),
    control: base + SPAN,
  };
}

/** Every port of a plan with the name of who listens there. */
export function namedPorts(plan: PortPlan): readonly (readonly [name: string, port: number])[] {
  return [
    ...plan.frontends.map((port, i) => [`frontend-${i + 1}`, port] as const),
    ['catalog', plan.catalog],
    ...plan.replicas.map((port, i) => [`replica-${i + 1}`, port] as const),
    ...plan.peers.map((port, i) => [`the peer port of replica-${i + 1}`, port] as const),
    ['the control server', plan.control],
  ];
}
