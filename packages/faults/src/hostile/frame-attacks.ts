/**
 * Attacks on links and peer ports with handshakes, frames and messages, without the secret and with a stolen
 * one.
 */
import { crc32 } from 'node:zlib';
import { pack } from '@trireme/domain';
import { encodeFrame } from '@trireme/raft/frames';
import {
  FIN,
  WAIT_FOR_UPGRADE,
  requestText,
  type Attack,
  type RequestTemplate,
  type PortKind,
  type AttackStep,
} from './attack.js';
import { BAD_PAYLOADS, BAD_VALUES } from './payloads.js';

/** A link endpoint with the headers of a valid handshake. */
export interface LinkEndpoint {
  readonly port: PortKind;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

function handshake(
  { port, path, headers }: LinkEndpoint,
  more: Readonly<Record<string, string>> = {},
): string {
  const base: RequestTemplate = {
    port,
    path,
    method: 'GET',
    body: '',
    headers: { host: 'x', connection: 'Upgrade', upgrade: 'trireme-frames', ...headers, ...more },
  };
  return requestText(base);
}

/** Handshakes that must be refused: each header missing, and with wrong values. */
export function handshakeAttacks(door: LinkEndpoint): Attack[] {
  const { port, path } = door;
  const makeAttack = (name: string, text: string): Attack => ({
    port,
    kind: 'refused handshake',
    name,
    steps: [text, FIN],
  });
  const values = ['', 'x', 'x'.repeat(600), '0', '-1', '__proto__', '"', '\u00e9', '*', '1,1'];
  const headers = Object.keys(door.headers).flatMap((header) => {
    const without = Object.fromEntries(Object.entries(door.headers).filter(([name]) => name !== header));
    return [
      makeAttack(`${path} without ${header}`, handshake({ ...door, headers: without })),
      ...values
        .filter((value) => !(header.endsWith('-name') && /^[\w.-]{1,64}$/.test(value)))
        .map((value) =>
          makeAttack(`${path}, ${header} ${value.slice(0, 9)}`, handshake(door, { [header]: value })),
        ),
    ];
  });
  return [
    ...headers,
    makeAttack(`${path} as POST`, handshake(door).replace('GET', 'POST')),
    makeAttack(`${path} as HTTP/1.0`, handshake(door).replace('HTTP/1.1', 'HTTP/1.0')),
    makeAttack(`${path} with another protocol`, handshake(door, { upgrade: 'websocket' })),
    makeAttack(`${path} with a query`, handshake({ ...door, path: `${path}x?secret=1` })),
    makeAttack(
      `${path} with frames in it`,
      handshake({ ...door, headers: {} }) + encodeFrame(pack({ t: 'renew' })).toString('latin1'),
    ),
  ];
}

/** Bytes on an open link that are not a valid frame. @param sample a valid message without effect */
export function frameAttacks(door: LinkEndpoint, sample: unknown): Attack[] {
  const whole = encodeFrame(pack(sample));
  const makeAttack = (kind: string, name: string, ...bytes: readonly AttackStep[]): Attack => ({
    port: door.port,
    kind,
    name: `${door.path}: ${name}`,
    steps: [handshake(door), WAIT_FOR_UPGRADE, ...bytes],
  });
  return [
    ...Array.from({ length: whole.length - 1 }, (_, i) =>
      makeAttack('frame cut at a byte', `after byte ${i + 1}`, whole.subarray(0, i + 1), FIN),
    ),
    ...Array.from(whole, (_, i) => {
      const damaged = Buffer.from(whole);
      damaged.writeUInt8(damaged.readUInt8(i) ^ 0x10, i);
      // If the bit is part of the length, the server waits for more bytes until its timeout.
      return makeAttack('wrong checksum', `byte ${i}`, damaged, FIN);
    }),
    makeAttack('frame too long', '4 GiB', headerOf(0xff_ff_ff_ff)),
    makeAttack('frame too long', '1 GiB', headerOf(0x40_00_00_00)),
    makeAttack('incomplete frame', '8 MiB announced, then silence', headerOf(8 * 1024 * 1024)),
    makeAttack(
      'incomplete frame',
      'a byte each 400 ms',
      ...[...whole].flatMap((byte): AttackStep[] => [Buffer.from([byte]), 400]).slice(0, 60),
    ),
    makeAttack('silence on a link', 'nothing'),
    makeAttack('not a frame', 'HTTP', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', FIN),
    makeAttack('not a frame', 'zeros', Buffer.alloc(4_096), FIN),
    makeAttack('not a frame', 'ones', Buffer.alloc(4_096, 0xff), FIN),
    ...BAD_PAYLOADS.map(([name, payload]) => makeAttack('bad MessagePack', name, encodeFrame(payload))),
  ];
}

/** A frame header with a valid header checksum, for a payload that is never sent. */
function headerOf(length: number): Buffer {
  const bytes = encodeFrame(new Uint8Array());
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}

/**
 * Variants of a message in which one field, at any depth, has a wrong type.
 * @param message valid, and without effect whatever value one field has
 */
export function messageAttacks(door: LinkEndpoint, name: string, message: unknown): Attack[] {
  return pathsOf(message).flatMap((path) =>
    BAD_VALUES.map((value) => ({
      port: door.port,
      kind: 'wrong type in a message',
      name: `${door.path}: ${name}, ${path.join('.')} is ${describe(value)}`,
      // A refused item leaves the link open; then FIN ends it.
      steps: [handshake(door), WAIT_FOR_UPGRADE, encodeFrame(pack(replaced(message, path, value))), FIN],
    })),
  );
}

/**
 * A well-formed message that is outdated, or from a sender without the right to send it. It must have no
 * effect.
 */
export function harmlessMessageAttack(
  door: LinkEndpoint,
  kind: string,
  name: string,
  message: unknown,
): Attack {
  return {
    port: door.port,
    kind,
    name,
    steps: [handshake(door), WAIT_FOR_UPGRADE, encodeFrame(pack(message)), 200, FIN],
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
