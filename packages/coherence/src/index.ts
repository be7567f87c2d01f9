export * from './rules/cache.js';
export * from './rules/catalog.js';
export * from './rules/leader.js';
export * from './rules/lease.js';
export * from './rules/messages.js';
export * from './rules/sessions.js';
export * from './rules/timing.js';
