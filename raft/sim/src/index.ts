/** Parts for other simulators: time, randomness, network, disks, and the checks of Raft. */
export { SafetyChecker } from './checks/oracle.js';
export { QuorumChecker, isQuorum } from './checks/quorums.js';
export type { ReportViolation } from './checks/views.js';
export { HEALTHY_SYNC, SimDisk } from './cluster/disk.js';
export { SimNetwork, type LinkFault } from './cluster/network.js';
export { SimStorage } from './cluster/storage.js';
export { DiskWrites } from './cluster/syncs.js';
export { TimedWrites, type DiskSchedule } from './cluster/writes.js';
export { SimClock, type ClockRate } from './engine/clock.js';
export { Random } from './engine/random.js';
export { MS, SECOND, Scheduler, drainContinuations, type Micros } from './engine/scheduler.js';
export { ProcessScope } from './engine/scope.js';
export { Trace, type TraceSink } from './engine/trace.js';
export {
  Nemesis,
  combineUndos,
  instantFault,
  type FaultKindOf,
  type FaultMix,
  type ActiveFault,
} from './faults/nemesis.js';
export { runMutations } from './planted/run-mutations.js';
export { checkMatchesOnce, createMutant, type Mutant } from './planted/mutant.js';
export type { Mutation } from './planted/mutation.js';
export { MUTATIONS } from './planted/mutations.js';
export { runSimulatorCommand } from './run/command.js';
export { resultOfCrash } from './run/crashed.js';
export { runSeeds, type SeedResult, type CheckFailure, type SeedTask } from './run/pool.js';
