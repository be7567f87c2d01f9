/** Checks of the frames that come in. What does not pass closes the link that it came on. */
import {
  asBytes,
  asInteger,
  asItems,
  asList,
  asObject,
  asText,
  commandFromWire,
  decodeBatch,
  FormatError,
  FRAME_ITEMS_MAX,
  invalidReason,
  isRequestId,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  type CheckedItems,
  type FrontendToCatalog,
  type RequestTrace,
} from '@trireme/domain';
import type { Effect } from './decisions.js';
import type { Work } from './queue.js';

/** Bytes that one effect of a replay counts for in the queue. */
const EFFECT_BYTES = 128;

/** What a leader asks: work that is done in order, or the word on how far catalogs have decided. */
export type LeaderRequest = Work | { readonly kind: 'attach'; readonly upTo: number };

/** `FrontendToCatalog`, and what of it is refused by itself. */
export type FrontendFrame =
  | Exclude<FrontendToCatalog, { readonly t: 'lookup' }>
  | ({ readonly t: 'lookup' } & CheckedItems<readonly [id: number, name: string]>)
  | { readonly t: 'invalidList'; readonly id: number; readonly reason: string };

/** @throws FormatError if it is not a frame of a front-end, which closes its link. */
export function parseFrontendFrame(message: unknown): FrontendFrame {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'renew':
      return { t: 'renew', id: asInteger(frame['id'], 'id') };
    case 'lookup':
      return { t: 'lookup', ...asItems(frame['items'], parseLookup, FRAME_ITEMS_MAX) };
    case 'list':
      return parseList(frame);
    case 'dropped':
      return { t: 'dropped', seq: asInteger(frame['seq'], 'seq', 1) };
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

/** @throws FormatError if it is not a frame of a leader, or its batch is not a batch. */
export function parseLeaderFrame(message: unknown): LeaderRequest {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'begin':
      return { kind: 'begin', bytes: 0 };
    case 'attach':
      return { kind: 'attach', upTo: asInteger(frame['upTo'], 'upTo') };
    case 'replay': {
      const prev = asInteger(frame['prev'], 'prev');
      const index = asInteger(frame['index'], 'index', prev + 1);
      const effects = asList(frame['effects'], 'effects').map(parseEffect);
      let last = prev + 1;
      for (const effect of effects) {
        if (effect.index < last) throw new FormatError('effects are not in log order behind prev');
        last = effect.index;
      }
      if (last > index) throw new FormatError('an effect lies beyond the replay');
      return { kind: 'replay', prev, index, effects, bytes: effects.length * EFFECT_BYTES };
    }
    case 'decide': {
      const prev = asInteger(frame['prev'], 'prev');
      const batch = asBytes(frame['batch'], 'batch');
      const { commands } = decodeBatch(batch);
      return {
        kind: 'decide',
        index: asInteger(frame['index'], 'index', prev + 1),
        prev,
        settled: asInteger(frame['settled'], 'settled'),
        skip: parseSkip(frame['skip'], commands.length),
        commands,
        traces: parseTraces(frame['traces'], commands.length),
        bytes: batch.byteLength,
      };
    }
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseLookup(id: number, [, name]: readonly unknown[]): readonly [number, string] {
  return [id, asText(name, 'stock name', ORDER_NAME_LENGTH_MAX)];
}

function parseList(frame: Readonly<Record<string, unknown>>): FrontendFrame {
  const id = asInteger(frame['id'], 'id');
  try {
    const limit = asInteger(frame['limit'], 'limit', 1);
    if (limit > PAGE_ROWS_MAX) throw new FormatError(`limit is above ${PAGE_ROWS_MAX}`);
    return { t: 'list', id, after: asText(frame['after'], 'after', ORDER_NAME_LENGTH_MAX), limit };
  } catch (error) {
    return { t: 'invalidList', id, reason: invalidReason(error) };
  }
}

function parseEffect(value: unknown): Effect {
  const [index, kind, name, amount] = asList(value, 'effect');
  // An effect carries no key; any will do to pass the checks of a command.
  return {
    index: asInteger(index, 'effect index', 1),
    command: commandFromWire([kind, 'effect', name, amount]),
  };
}

function parseTraces(value: unknown, size: number): readonly RequestTrace[] {
  if (value === undefined) return [];
  const traces = asList(value, 'traces');
  if (traces.length > size) throw new FormatError('more traces than commands');
  return traces.map((trace) => {
    const [position, requestId] = asList(trace, 'trace');
    if (!isRequestId(requestId)) throw new FormatError('request id is not valid');
    return [asInteger(position, 'position'), requestId];
  });
}

function parseSkip(value: unknown, size: number): ReadonlySet<number> {
  const positions = asList(value, 'skip').map((position) => asInteger(position, 'skipped position'));
  if (positions.some((position) => position >= size))
    throw new FormatError('a skipped position is not in the batch');
  return new Set(positions);
}
