/** Derives the ports of all processes of a cluster from one base port. */

/** Maximum number of front-ends of a cluster. */
const FRONTENDS_MAX = 16;

/** Maximum number of catalogs of a cluster, the same as in the catalog set. */
const CATALOGS_MAX = 16;

/** Allowed numbers of replicas of a new cluster; one is for tests. */
const REPLICA_COUNTS: readonly number[] = [1, 3, 5];

/** Highest replica number: the peer ports begin ten ports after the internal ports. */
const REPLICA_MAX = 9;

/** Offset of the highest port from the base. */
const SPAN = 130;

const PORT_MAX = 65_535;

/** Ports of one replica. */
export interface ReplicaPorts {
  /** From 1. */
  readonly id: number;
  readonly port: number;
  readonly peerPort: number;
}

/** Port of one catalog. */
export interface CatalogPort {
  /** From 1. */
  readonly id: number;
  readonly port: number;
}

/** The ports of one cluster. */
export interface PortPlan {
  readonly base: number;
  /** Front-end i is at position i - 1. */
  readonly frontends: readonly number[];
  readonly catalogs: readonly CatalogPort[];
  readonly replicas: readonly ReplicaPorts[];
  readonly control: number;
}

/**
 * Plans the ports: front-ends from `base`, catalog i at +80+i, replica i at +110+i, its peer port at +120+i, the
 * control server at +130.
 * @param replicas initial number of replicas: 1, 3 or 5
 * @param frontends number of front-ends, 1 to 16
 * @param catalogs initial number of catalogs, 0 to 16
 * @throws RangeError that names the option that is out of bounds.
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

/** The ports of replica `id`. @throws RangeError if `id` is not from 1 to 9. */
export function replicaPorts(base: number, id: number): ReplicaPorts {
  if (!Number.isSafeInteger(id) || id < 1 || id > REPLICA_MAX) {
    throw new RangeError(`a replica's number must be from 1 to ${REPLICA_MAX}, not ${id}`);
  }
  return { id, port: base + 110 + id, peerPort: base + 120 + id };
}

/** The port of catalog `id`. @throws RangeError if `id` is not from 1 to 16. */
export function catalogPort(base: number, id: number): CatalogPort {
  if (!Number.isSafeInteger(id) || id < 1 || id > CATALOGS_MAX) {
    throw new RangeError(`a catalog's number must be from 1 to ${CATALOGS_MAX}, not ${id}`);
  }
  return { id, port: base + 80 + id };
}

/** Every port of a plan with the name of its process. */
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

/** Parses ports and ranges in Linux notation: `32768\t60999` is one range, `8080,9000-9010` are two. */
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
 * Warning about ports that the system may use for outgoing connections: a restarted process may find its port in use.
 * @param given range of ports for outgoing connections
 * @param reserved ports in this range that the system does not use
 * @returns null if there are no such ports
 */
export function describeEphemeralPorts(
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
    `port ${port[1]} (${port[0]}) ${others} in ${given.first}-${given.last}, the range for outgoing connections: ` +
    'a restarted process may find its port in use. Choose a base port (--port) of at most ' +
    `${given.first - 1 - SPAN}, or reserve the ports: ` +
    `sysctl net.ipv4.ip_local_reserved_ports=${plan.base}-${plan.base + SPAN}`
  );
}
