export * from './events.js';
export { HttpTransport, type HttpTransportOptions } from './http-transport.js';
export type * from './transport.js';
