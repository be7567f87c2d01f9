/** Definition of a scenario: a cluster, a workload, and a script that injects faults. */
import type { ClusterOptions } from '@trireme/cluster';
import type { AvailabilityBounds } from '../rules/availability.js';
import type { WorkloadOptions } from '../workload/workload.js';
import type { Capability } from './capabilities.js';
import type { FaultEnvironment } from './fault-environment.js';
import type { ScenarioRun } from './scenario-run.js';

export interface Scenario {
  /** A sentence: the fault, and the expected behavior if it is not obvious. */
  readonly name: string;
  /** Host of each process, by its name, in a network of namespaces; if absent, links run through proxies. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Number of replicas, and of catalogs, that may join later; default 0. */
  readonly joiningReplicas?: number;
  readonly joiningCatalogs?: number;
  /** Whether the scenario is part of `npm test`. */
  readonly everyday?: boolean;
  /** Required capabilities of the machine. */
  readonly needs?: readonly Capability[];
  readonly cluster?: Omit<
    ClusterOptions,
    'dataDir' | 'port' | 'output' | 'route' | 'advertise' | 'address' | 'env' | 'wrapper'
  >;
  readonly workload?: Partial<Omit<WorkloadOptions, 'urls' | 'seed'>>;
  readonly bounds?: AvailabilityBounds;
  /** Prepares the empty data folder before any process starts. */
  readonly prepare?: (dataDir: string) => Preparation;
  /** Runs while clients place orders. After it all faults are healed and stopped processes restarted. */
  readonly script: (run: ScenarioRun) => Promise<void>;
}

/** Result of the preparation of a scenario. */
export interface Preparation {
  /** Initial fault environments, by process name. */
  readonly environments?: Readonly<Record<string, FaultEnvironment>>;
  /** Called after all processes have exited. */
  readonly cleanUp?: () => void;
}
