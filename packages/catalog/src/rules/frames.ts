/** Checks of the frames that come in. What does not pass closes the link that it came on. */
import {
  asBytes,
  asInteger,
  asList,
  asObject,
  asText,
  commandFromWire,
  decodeBatch,
  FormatError,
  REQUEST_ID_LENGTH_MAX,
  type FrontendToCatalog,
  type RequestTrace,
} from '@trireme/domain';
import type { Effect } from './decisions.js';
import type { Work } from './queue.js';

/** Lookups in one frame at most: many times what a front-end gathers in one turn. */
export const LOOKUP_ITEMS_MAX = 65_536;

/** Stocks in one page at most. */
const PAGE_STOCKS_MAX = 1000;

/** Bytes that one effect of a replay counts for in the queue. */
const EFFECT_BYTES = 128;

/** What a leader asks: work that is done in order, or the word on how far catalogs have decided. */
export type LeaderRequest = Work | { readonly kind: 'attach'; readonly upTo: number };

/** @throws FormatError if it is not a frame of a front-end. */
export function parseFrontendFrame(message: unknown): FrontendToCatalog {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'renew':
      return { t: 'renew', id: asInteger(frame['id'], 'id') };
    case 'lookup': {
      const items = asList(frame['items'], 'lookups');
      if (items.length > LOOKUP_ITEMS_MAX) throw new FormatError(`more than ${LOOKUP_ITEMS_MAX} lookups`);
      return { t: 'lookup', items: items.map(parseLookup) };
    }
    case 'list': {
      const limit = asInteger(frame['limit'], 'limit', 1);
      if (limit > PAGE_STOCKS_MAX) throw new FormatError(`limit is above ${PAGE_STOCKS_MAX}`);
      return { t: 'list', id: asInteger(frame['id'], 'id'), after: asText(frame['after'], 'after'), limit };
    }
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

function parseLookup(value: unknown): readonly [number, string] {
  const item = asList(value, 'lookup');
  return [asInteger(item[0], 'lookup id'), asText(item[1], 'stock name')];
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
    return [asInteger(position, 'position'), asText(requestId, 'request id', REQUEST_ID_LENGTH_MAX)];
  });
}

function parseSkip(value: unknown, size: number): ReadonlySet<number> {
  const positions = asList(value, 'skip').map((position) => asInteger(position, 'skipped position'));
  if (positions.some((position) => position >= size))
    throw new FormatError('a skipped position is not in the batch');
  return new Set(positions);
}
