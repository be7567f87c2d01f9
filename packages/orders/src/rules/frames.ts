/** Checks what comes over links, so that everything behind can rely on its types. Each throws `FormatError`. */
import {
  FormatError,
  REQUEST_ID_LENGTH_MAX,
  asBoolean,
  asInteger,
  asList,
  asObject,
  asText,
  commandFromWire,
  outcomeFromWire,
  outcomeToWire,
  type CatalogToLeader,
  type Command,
  type GetItem,
  type OutcomeWire,
} from '@trireme/domain';

/** Items in one frame at most. */
const ITEMS_MAX = 100_000;
/** Orders on one page at most. */
const PAGE_MAX = 1000;

/** A command that a front-end submits. */
interface Submission {
  /** The front-end's own. */
  readonly id: number;
  readonly command: Command;
  /** Where the client gave one. */
  readonly requestId: string | null;
}

/** `ToReplica`, with its commands decoded. */
export type FrontendFrame =
  | { readonly t: 'submit'; readonly items: readonly Submission[] }
  | { readonly t: 'get'; readonly items: readonly GetItem[] }
  | {
      readonly t: 'list';
      readonly id: number;
      readonly after: number;
      readonly limit: number;
      readonly name: string | null;
    }
  | { readonly t: 'report' };

export function parseFrontendFrame(value: unknown): FrontendFrame {
  const frame = asObject(value, 'frame');
  switch (frame['t']) {
    case 'submit':
      return { t: 'submit', items: asItems(frame['items']).map(parseSubmitItem) };
    case 'get':
      return { t: 'get', items: asItems(frame['items']).map(parseGetItem) };
    case 'list':
      return {
        t: 'list',
        id: asInteger(frame['id'], 'id'),
        after: asInteger(frame['after'], 'after'),
        limit: Math.min(asInteger(frame['limit'], 'limit', 1), PAGE_MAX),
        name: frame['name'] === null ? null : asText(frame['name'], 'name'),
      };
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

function asItems(value: unknown): readonly unknown[] {
  const items = asList(value, 'items');
  if (items.length > ITEMS_MAX) throw new FormatError(`frame with more than ${ITEMS_MAX} items`);
  return items;
}

function parseSubmitItem(value: unknown): Submission {
  const [id, ...command] = asList(value, 'item');
  const requestId = command.length > 4 ? asText(command[4], 'request id', REQUEST_ID_LENGTH_MAX) : null;
  return { id: asInteger(id, 'id'), command: commandFromWire(command), requestId };
}

function parseGetItem(value: unknown): GetItem {
  const [id, number, linearizable] = asList(value, 'item');
  return [asInteger(id, 'id'), asInteger(number, 'number', 1), asBoolean(linearizable, 'linearizable')];
}

export function parseCatalogFrame(value: unknown): CatalogToLeader {
  const frame = asObject(value, 'frame');
  switch (frame['t']) {
    case 'standing':
    case 'replayed':
      return { t: frame['t'], lastIndex: asInteger(frame['lastIndex'], 'last index') };
    case 'decided':
      return { t: 'decided', items: asList(frame['items'], 'items').map(parseDecided) };
    case 'refused': {
      const why = frame['why'];
      if (why !== 'gap' && why !== 'settled') throw new FormatError('refused for an unknown reason');
      return { t: 'refused', why, lastIndex: asInteger(frame['lastIndex'], 'last index') };
    }
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseDecided(value: unknown): readonly [number, readonly OutcomeWire[]] {
  const [index, outcomes] = asList(value, 'decided item');
  return [
    asInteger(index, 'index', 1),
    asList(outcomes, 'outcomes').map((outcome) => outcomeToWire(outcomeFromWire(outcome))),
  ];
}
