export { foundCluster, type BookSource, type NewCluster } from './backup/found-cluster.js';
export { examineBook, type BookReport, type TableReport } from './book/examine.js';
export type { OrderStep } from './leader/session.js';
export { main } from './program.js';
export type { ReplicaObserver } from './replica/observer.js';
