/** Where every process of a cluster listens, all derived from one base port. */

/** Front-ends that one cluster runs at most. */
const FRONTENDS_MAX = 16;

/** Catalogs that one cluster runs at most, as many as its log names at most. */
const CATALOGS_MAX = 16;

/** With how many replicas a cluster may begin; one is for tests. */
const REPLICA_COUNTS: readonly number[] = [1, 3, 5];

/** Highest number of a replica: ten ports stand between the first replica's and its peer port. */
const REPLICA_MAX = 9;

/** Farthest port from the base. */
const SPAN = 130;

const PORT_MAX = 65_535;

/** Where one replica listens. */
export interface ReplicaPorts {
  /** From 1. */
  readonly id: number;
  readonly port: number;
  readonly peerPort: number;
}

/** Where one catalog listens. */
export interface CatalogPort {
  /** From 1. */
  readonly id: number;
  readonly port: number;
}

/** The ports of one cluster. */
export interface PortPlan {
  readonly base: number;
  /** List positions are ids less one. */
  readonly frontends: readonly number[];
  readonly catalogs: readonly CatalogPort[];
  readonly replicas: readonly ReplicaPorts[];
  readonly control: number;
}

/**
 * Plans the ports: front-ends from `base`, catalog i at +80+i, replica i at +110+i, its peer port at +120+i, control at +130.
 * @param replicas how many there are to begin with, and so `catalogs`
 * @throws RangeError naming the option that is out of bounds.
 */
export function planPorts(base: number, replicas: number, frontends: number, catalogs: number): PortPlan {
  if (!Number.isSafeInteger(base) || base < 1 || base + SPAN > PORT_MAX) {
    throw new RangeError(`port must be a whole number from 1 to ${PORT_MAX - SPAN}, not ${base}`);
  }
  if (!REPLICA_COUNTS.includes(replicas)) {
    throw new RangeError(`replicas must be one of ${REPLICA_COUNTS.join(', ')}, not ${replicas}`);
  }
  if (!Number.isSafeInteger(frontends) || frontends < 1 || frontends > FRONTENDS_MAX) {
    throw new RangeError(`frontends must be a whole number from 1 to ${FRONTENDS_MAX}, not ${frontends}`);
  }
  if (!Number.isSafeInteger(catalogs) || catalogs < 0 || catalogs > CATALOGS_MAX) {
    throw new RangeError(`catalogs must be a whole number from 0 to ${CATALOGS_MAX}, not ${catalogs}`);
  }
  return {
    base,
    frontends: Array.from({ length: frontends }, (_, i) => base + i),
    catalogs: Array.from({ length: catalogs }, (_, i) => catalogPort(base, i + 1)),
    replicas: Array.from({ length: replicas }, (_, i) => replicaPorts(base, i + 1)),
    control: base + SPAN,
  };
}

/** The ports of replica `id`. @throws RangeError if there can be no such replica. */
export function replicaPorts(base: number, id: number): ReplicaPorts {
  if (!Number.isSafeInteger(id) || id < 1 || id > REPLICA_MAX) {
    throw new RangeError(`a replica's number must be from 1 to ${REPLICA_MAX}, not ${id}`);
  }
  return { id, port: base + 110 + id, peerPort: base + 120 + id };
}

/** The port of catalog `id`. @throws RangeError if there can be no such catalog. */
export function catalogPort(base: number, id: number): CatalogPort {
  if (!Number.isSafeInteger(id) || id < 1 || id > CATALOGS_MAX) {
    throw new RangeError(`a catalog's number must be from 1 to ${CATALOGS_MAX}, not ${id}`);
  }
  return { id, port: base + 80 + id };
}

/** Every port of a plan with the name of who listens there. */
export function namedPorts(plan: PortPlan): readonly (readonly [name: string, port: number])[] {
  return [
    ...plan.frontends.map((port, i) => [`frontend-${i + 1}`, port] as const),
    ...plan.catalogs.map(({ id, port }) => [`catalog-${id}`, port] as const),
    ...plan.replicas.map(({ id, port }) => [`replica-${id}`, port] as const),
    ...plan.replicas.map(({ id, peerPort }) => [`the peer port of replica-${id}`, peerPort] as const),
    ['the control server', plan.control],
  ];
}

/** Ports from `first` to `last`. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Reads a list of ports and ranges as Linux writes it, `32768\t60999` being one range and `8080,9000-9010` two. */
export function parsePortRanges(text: string): readonly PortRange[] {
  return text
    .trim()
    .replace(/\s+/, '-')
    .split(',')
    .map((item) => item.split('-').map(Number))
    .filter(([first = 0]) => first > 0)
    .map(([first = 0, last = first]) => ({ first, last }));
}

/**
 * Warns of ports that the system may give to outgoing connections: a process that is started again may find its own taken.
 * @param given out of which the system takes such ports
 * @param reserved out of which it never does
 * @returns null if there are none
 */
export function warnOfGivenPorts(
  plan: PortPlan,
  given: PortRange,
  reserved: readonly PortRange[],
): string | null {
  const isIn = (port: number, { first, last }: PortRange): boolean => port >= first && port <= last;
  const [port, ...more] = namedPorts(plan).filter(
    ([, one]) => isIn(one, given) && !reserved.some((range) => isIn(one, range)),
  );
  if (port === undefined) return null;
  const others = more.length === 0 ? 'is' : `and ${more.length} more are`;
  return (
    `port ${port[1]} (${port[0]}) ${others} in ${given.first}-${given.last}, out of which the system takes ports for outgoing ` +
    `connections: a process that is started again may find its port taken. Choose a base port (--port) up to ` +
    `${given.first - 1 - SPAN}, or reserve the ports: sysctl net.ipv4.ip_local_reserved_ports=${plan.base}-${plan.base + SPAN}`
  );
}
