export { examineBook, type BookReport, type TableReport } from './examine-book.js';
export type { OrderStep } from './leader-session.js';
export { main } from './program.js';
export type { ReplicaObserver } from './observer.js';
