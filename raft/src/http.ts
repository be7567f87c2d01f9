/** The transport over HTTP: one upgraded connection in each direction between two members, optionally with mutual TLS. */
export type { SecretSource } from './frames/handshake.js';
export type { DropReason, LinkDirection, TransportEvent } from './transport/events.js';
export type { MemberIdentity, RefusalStatus } from './transport/handshake.js';
export type { HttpTransportOptions, MemberTls } from './transport/http-options.js';
export { HttpTransport } from './transport/http-transport.js';
export type { QueryHandlers } from './transport/queries.js';
