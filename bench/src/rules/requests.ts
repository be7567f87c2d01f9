/** The HTTP requests of the benchmarks, as bytes. */
import type { OrderRequest } from '@trireme/domain';

/** Makes a GET request. */
export function getRequest(host: string, path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
}

/** Makes a POST request with a JSON body of ASCII characters. */
export function postRequest(host: string, path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  return Buffer.from(`${head}\r\n\r\n${body}`, 'latin1');
}

/** Body of `POST /orders`. */
export function orderBody({ name, type, quantity }: OrderRequest): string {
  return JSON.stringify({ name, type, quantity });
}

/**
 * An etcd key in base64, as etcd's JSON gateway requires, with a placeholder for eight digits. Digits are
 * valid base64, so ascending numbers give different keys of the same length.
 */
export const ETCD_KEY = 'b3JkZXJz########';

/** Body of etcd's `POST /v3/kv/put`. @param key in base64. @param value ASCII characters. */
export function etcdPutBody(key: string, value: string): string {
  return JSON.stringify({ key, value: Buffer.from(value, 'latin1').toString('base64') });
}

/** Body of etcd's `POST /v3/kv/range` for one key. @param key in base64. */
export function etcdRangeBody(key: string, serializable: boolean): string {
  return JSON.stringify({ key, ...(serializable ? { serializable } : {}) });
}

/** The order number in the answer to `POST /orders`; null if there is none. */
export function transactionNumber(body: Buffer): number | null {
  const number = /^\{"data":\{"transaction_number":(\d+)\}\}$/.exec(body.toString('latin1'))?.[1];
  return number === undefined ? null : Number(number);
}
