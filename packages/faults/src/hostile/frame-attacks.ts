/** Attacks on links and peer ports, by strangers and by who has stolen the secret: handshakes, frames and messages. */
import { crc32 } from 'node:zlib';
import { pack } from '@trireme/domain';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '@trireme/raft/frames';
import { FIN, UPGRADED, requestText, type Attack, type Base, type Port, type Step } from './attack.js';
import { BAD_PAYLOADS, BAD_VALUES } from './payloads.js';

/** A handshake that is accepted. */
export interface Door {
  readonly port: Port;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function frame(payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.byteLength);
  bytes.set(payload, writeFrameHeader(bytes, 0, payload));
  return bytes;
}

function handshake({ port, path, headers }: Door, more: Readonly<Record<string, string>> = {}): string {
  const base: Base = {
    ...{ port, path, method: 'GET', body: '' },
    headers: { host: 'x', connection: 'Upgrade', upgrade: 'trireme-frames', ...headers, ...more },
  };
  return requestText(base);
}

/** Handshakes that are refused: each header of the door, missing and wrong. */
export function handshakeAttacks(door: Door): Attack[] {
  const { port, path } = door;
  const of = (name: string, text: string): Attack => ({
    port,
    kind: 'refused handshake',
    name,
    steps: [text, FIN],
  });
  const values = ['', 'x', 'x'.repeat(600), '0', '-1', '__proto__', '"', '\u00e9', '*', '1,1'];
  const headers = Object.keys(door.headers).flatMap((header) => {
    const without = Object.fromEntries(Object.entries(door.headers).filter(([name]) => name !== header));
    return [
      of(`${path} without ${header}`, handshake({ ...door, headers: without })),
      ...values
        .filter((value) => !(header.endsWith('-name') && /^[\w.-]{1,64}$/.test(value)))
        .map((value) => of(`${path}, ${header} ${value.slice(0, 9)}`, handshake(door, { [header]: value }))),
    ];
  });
  return [
    ...headers,
    of(`${path} as POST`, handshake(door).replace('GET', 'POST')),
    of(`${path} as HTTP/1.0`, handshake(door).replace('HTTP/1.1', 'HTTP/1.0')),
    of(`${path} with another protocol`, handshake(door, { upgrade: 'websocket' })),
    of(`${path} with a query`, handshake({ ...door, path: `${path}x?secret=1` })),
    of(
      `${path} with frames in it`,
      handshake({ ...door, headers: {} }) + frame(pack({ t: 'renew' })).toString('latin1'),
    ),
  ];
}

/** Bytes on an open link that are no frame of it. @param sample a message that would do no harm */
export function frameAttacks(door: Door, sample: unknown): Attack[] {
  const whole = frame(pack(sample));
  const of = (kind: string, name: string, ...bytes: readonly Step[]): Attack => ({
    port: door.port,
    kind,
    name: `${door.path}: ${name}`,
    steps: [handshake(door), UPGRADED, ...bytes],
  });
  return [
    ...Array.from({ length: whole.length - 1 }, (_, i) =>
      of('frame cut at a byte', `behind byte ${i + 1}`, whole.subarray(0, i + 1), FIN),
    ),
    ...Array.from(whole, (_, i) => {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(i) ^ 0x10, i);
      // The bit may be one of the length: then more is waited for, and the silence ends it.
      return of('wrong checksum', `byte ${i}`, damaged, FIN);
    }),
    of('frame too long', '4 GiB', headerOf(0xff_ff_ff_ff)),
    of('frame too long', '1 GiB', headerOf(0x40_00_00_00)),
    of('frame that does not come', '8 MiB announced, silence', headerOf(8 * 1024 * 1024)),
    of(
      'frame that does not come',
      'a byte each 400 ms',
      ...[...whole].flatMap((byte): Step[] => [Buffer.from([byte]), 400]).slice(0, 60),
    ),
    of('silence on a link', 'nothing'),
    of('no frames', 'HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', FIN),
    of('no frames', 'zeros', Buffer.alloc(4_096), FIN),
    of('no frames', 'ones', Buffer.alloc(4_096, 0xff), FIN),
    ...BAD_PAYLOADS.map(([name, payload]) => of('bad MessagePack', name, frame(payload))),
  ];
}

/** A header that holds its own checksum, for a payload that never comes. */
function headerOf(length: number): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

/**
 * A message with each of its fields, however deep, of every wrong type.
 * @param message of no effect whatever becomes of any one field
 */
export function messageAttacks(door: Door, name: string, message: unknown): Attack[] {
  return pathsOf(message).flatMap((path) =>
    BAD_VALUES.map((value) => ({
      port: door.port,
      kind: 'wrong type in a message',
      name: `${door.path}: ${name}, ${path.join('.')} is ${describe(value)}`,
      // What is refused by itself leaves the link open: then the end of the attacker's half ends it.
      steps: [handshake(door), UPGRADED, frame(pack(replaced(message, path, value))), FIN],
    })),
  );
}

/** A message that is well-formed and comes too late, or from who may not send it: nothing may come of it. */
export function ignoredMessage(door: Door, kind: string, name: string, message: unknown): Attack {
  return {
    port: door.port,
    kind,
    name,
    steps: [handshake(door), UPGRADED, frame(pack(message)), 200, FIN],
  };
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown): Path[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  return Object.entries(value).flatMap(([name, inner]): Path[] => {
    const key = Array.isArray(value) ? Number(name) : name;
    return [[key], ...pathsOf(inner).map((path) => [key, ...path])];
  });
}

function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((inner: unknown, i) => (i === key ? replaced(inner, rest, by) : inner));
  return Object.fromEntries(
    Object.entries(value as object).map(([name, inner]) => [
      name,
      name === key ? replaced(inner, rest, by) : (inner as unknown),
    ]),
  );
}

function describe(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value) && value.length > 9) return `a list of ${value.length}`;
  return value instanceof Object ? value.constructor.name : JSON.stringify(value);
}
