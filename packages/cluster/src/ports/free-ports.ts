/** Finds free ports, so that several clusters can run on one machine in tests and benchmarks. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ClusterError } from '../errors.js';
import { isPortFree } from './probe.js';
import {
  namedPorts,
  parsePortRanges,
  planPorts,
  describeEphemeralPorts,
  type PortPlan,
  type PortRange,
} from '../rules/ports.js';

/** Base ports below the range that Linux uses for outgoing connections (32768 and up), which could take a port. */
const BASE_MIN = 10_000;
const BASE_MAX = 32_000;

const TRIES_MAX = 100;

/** @throws ClusterError `PORT_TAKEN` naming the first of `ports` that is not free. */
export async function assertPortsFree(
  ports: readonly (readonly [name: string, port: number])[],
): Promise<void> {
  for (const [name, port] of ports) {
    if (await isPortFree(port)) continue;
    throw new ClusterError(
      'PORT_TAKEN',
      `port ${port} (${name}) is taken: choose another base port (--port)`,
    );
  }
}

/**
 * Finds a base port for which all ports of the cluster are free.
 * @throws ClusterError `PORT_TAKEN` if 100 random tries find none.
 */
export async function findFreeBasePort(replicas = 3, frontends = 1, catalogs = 2): Promise<number> {
  for (let i = 0; i < TRIES_MAX; i++) {
    const base = randomInt(BASE_MIN, BASE_MAX);
    const ports = namedPorts(planPorts(base, replicas, frontends, catalogs)).map(([, port]) => port);
    const free = await Promise.all(ports.map(isPortFree));
    if (!free.includes(false)) return base;
  }
  throw new ClusterError('PORT_TAKEN', `found no free base port in ${TRIES_MAX} tries`);
}

/** Warning about ports that the system may use for outgoing connections; null if there are none or it is unknown. */
export function ephemeralPortsWarning(plan: PortPlan): string | null {
  const [given] = rangesIn('ip_local_port_range');
  return given === undefined
    ? null
    : describeEphemeralPorts(plan, given, rangesIn('ip_local_reserved_ports'));
}

function rangesIn(setting: string): readonly PortRange[] {
  try {
    return parsePortRanges(readFileSync(`/proc/sys/net/ipv4/${setting}`, 'utf8'));
  } catch {
    return [];
  }
}
