/** What a scenario is: a cluster, a workload over it, and a script of what goes wrong. */
import type { ClusterOptions } from '@trireme/cluster';
import type { AvailabilityBounds } from '../rules/availability.js';
import type { WorkloadOptions } from '../workload/workload.js';
import type { Capability } from './capabilities.js';
import type { Hindrance } from './hindrance.js';
import type { Run } from './run.js';

export interface Scenario {
  /** A sentence: what goes wrong, and what must hold all the same. */
  readonly name: string;
  /** Host of each process, by its name, on a network of hosts; without them links run through proxies on this machine. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Replicas that may join later, and catalogs; 0 unless set. */
  readonly joining?: number;
  readonly joiningCatalogs?: number;
  /** Whether it is one of those that every change is tried with. */
  readonly everyday?: boolean;
  /** What this machine must be able to do. */
  readonly needs?: readonly Capability[];
  readonly cluster?: Omit<
    ClusterOptions,
    'dataDir' | 'port' | 'output' | 'route' | 'advertise' | 'address' | 'env' | 'wrapper'
  >;
  readonly workload?: Partial<Omit<WorkloadOptions, 'urls' | 'seed'>>;
  readonly bounds?: AvailabilityBounds;
  /** Prepares the empty data folder before anything starts. */
  readonly prepare?: (dataDir: string) => Preparation;
  /** Runs while clients shop; when it is over everything is healed and started again. */
  readonly script: (run: Run) => Promise<void>;
}

/** What was prepared. */
export interface Preparation {
  /** How processes are started the first time, by name. */
  readonly hindrances?: Readonly<Record<string, Hindrance>>;
  /** Called after all processes have ended. */
  readonly undo?: () => void;
}
