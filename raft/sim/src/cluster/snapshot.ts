/** Encoding of the replicated map as a snapshot: a checksum, then JSON. */
import { crc32 } from 'node:zlib';
import type { LogBase } from '@trireme/raft';
import { emptyMapState, withRecomputedContents, type MapState } from './map-state.js';

const CHECKSUM_BYTES = 4;

interface SnapshotBody {
  readonly applied: number;
  readonly hash: number;
  readonly values: readonly (readonly [string, number])[];
  readonly sessions: readonly (readonly [string, { readonly sequence: number; readonly result: number }])[];
}

export function encodeMapState({ applied, hash, values, sessions }: MapState): Buffer {
  const written: SnapshotBody = { applied, hash, values: [...values], sessions: [...sessions] };
  const body = Buffer.from(JSON.stringify(written));
  const bytes = Buffer.alloc(CHECKSUM_BYTES + body.length);
  bytes.writeUInt32BE(crc32(body), 0);
  bytes.set(body, CHECKSUM_BYTES);
  return bytes;
}

/** @throws Error if the bytes are not a snapshot as of `base`. */
export function decodeMapState(bytes: Buffer, base: LogBase): MapState {
  const body = bytes.subarray(CHECKSUM_BYTES);
  if (bytes.length < CHECKSUM_BYTES || bytes.readUInt32BE(0) !== crc32(body)) {
    throw new Error('wrong checksum of the snapshot');
  }
  const { applied, hash, values, sessions } = JSON.parse(body.toString()) as SnapshotBody;
  if (applied !== base.index) throw new Error(`snapshot is as of ${applied} instead of ${base.index}`);
  const maps = { values: new Map(values), sessions: new Map(sessions) };
  return withRecomputedContents({ ...emptyMapState(), ...maps, applied, hash, restored: base });
}
