/** The requests of the benchmarks as bytes. */
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
 * An etcd key in base64, as etcd's JSON gateway takes it, with room for eight digits: any digits are base64 too, so that
 * counting up makes keys of the same length that are all different.
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

/** The number that a placed order got, null if the answer tells none. */
export function transactionNumber(body: Buffer): number | null {
  const number = /^\{"data":\{"transaction_number":(\d+)\}\}$/.exec(body.toString('latin1'))?.[1];
  return number === undefined ? null : Number(number);
}
