/** What other simulators use of this one: time, chance, network, disks, and the checks of Raft. */
export { Oracle } from './checks/oracle.js';
export { Quorums, decides } from './checks/quorums.js';
export type { Violated } from './checks/views.js';
export { HEALTHY_SYNC, SimDisk } from './cluster/disk.js';
export { SimNetwork, type LinkFault } from './cluster/network.js';
export { SimStorage } from './cluster/storage.js';
export { Syncs } from './cluster/syncs.js';
export { SlowWrites, type DiskSchedule } from './cluster/writes.js';
export { SimClock, type ClockRate } from './engine/clock.js';
export { Random } from './engine/random.js';
export { MS, SECOND, Scheduler, continuationsDone, type Micros } from './engine/scheduler.js';
export { Scope } from './engine/scope.js';
export { Trace, type TraceSink } from './engine/trace.js';
export { huntAll } from './planted/hunt.js';
export { mutate, type Mutant } from './planted/mutant.js';
export type { Mutation } from './planted/mutation.js';
export { runSeeds, type SeedResult, type SeedViolation, type Task } from './run/pool.js';
