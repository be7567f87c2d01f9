/** Checks what comes over links, so that everything behind can rely on its types. Each throws `FormatError`. */
import {
  FRAME_ITEMS_MAX,
  FormatError,
  asAfterName,
  asBoolean,
  asHttpUrl,
  asInteger,
  asItems,
  asLookupItems,
  asObject,
  asPageQuestion,
  asText,
  commandFromWire,
  isOrderName,
  isRequestId,
  type CatalogToReplica,
  type CheckedItems,
  type Command,
  type GetItem,
  type InvalidList,
  type LookupItem,
} from '@trireme/domain';

/** A command that a front-end submits. */
interface Submission {
  /** The front-end's own. */
  readonly id: number;
  readonly command: Command;
  /** Where the client gave one. */
  readonly requestId: string | null;
}

/** `ToReplica`, with its commands decoded, and what of it is refused by itself. */
export type FrontendFrame =
  | ({ readonly t: 'submit' } & CheckedItems<Submission>)
  | ({ readonly t: 'get' } & CheckedItems<GetItem>)
  | {
      readonly t: 'list';
      readonly id: number;
      readonly after: number;
      readonly limit: number;
      readonly name: string | null;
    }
  | ({ readonly t: 'lookup' } & CheckedItems<LookupItem>)
  | { readonly t: 'listStocks'; readonly id: number; readonly after: string; readonly limit: number }
  | InvalidList
  | { readonly t: 'report' };

/** @throws FormatError if the frame itself is not valid, which closes its link. */
export function parseFrontendFrame(value: unknown): FrontendFrame {
  const frame = asObject(value, 'frame');
  switch (frame['t']) {
    case 'submit':
      return { t: 'submit', ...asItems(frame['items'], parseSubmitItem, FRAME_ITEMS_MAX) };
    case 'get':
      return { t: 'get', ...asItems(frame['items'], parseGetItem, FRAME_ITEMS_MAX) };
    case 'list':
      return parseList(frame);
    case 'lookup':
      return { t: 'lookup', ...asLookupItems(frame['items']) };
    case 'listStocks':
      return asPageQuestion(frame, (id, limit) => {
        return { t: 'listStocks', id, after: asAfterName(frame['after']), limit };
      });
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseList(frame: Readonly<Record<string, unknown>>): FrontendFrame {
  return asPageQuestion(frame, (id, limit) => {
    const { name } = frame;
    if (name !== null && !isOrderName(name)) throw new FormatError('name is not one of an order');
    return { t: 'list', id, after: asInteger(frame['after'], 'after'), limit, name };
  });
}

function parseSubmitItem(id: number, [, ...command]: readonly unknown[]): Submission {
  const requestId = command[4] ?? null;
  if (requestId !== null && !isRequestId(requestId)) throw new FormatError('request id is not valid');
  return { id, command: commandFromWire(command), requestId };
}

function parseGetItem(id: number, [, number, linearizable]: readonly unknown[]): GetItem {
  return [id, asInteger(number, 'number', 1), asBoolean(linearizable, 'linearizable')];
}

/** What a catalog says to a leader. */
export type CatalogFrame = Exclude<CatalogToReplica, { readonly t: 'hello' }>;

/** @throws FormatError if it is not a frame of a catalog, which closes its link. */
export function parseCatalogFrame(value: unknown): CatalogToReplica {
  const frame = asObject(value, 'frame');
  switch (frame['t']) {
    case 'hello':
      return { t: 'hello', url: asHttpUrl(frame['url']) };
    case 'attach':
      return {
        t: 'attach',
        term: asInteger(frame['term'], 'term'),
        process: asText(frame['process'], 'process', 64),
        visible: asInteger(frame['visible'], 'visible'),
        hadAuthority: asBoolean(frame['hadAuthority'], 'hadAuthority'),
        life: frame['life'] === null ? null : asText(frame['life'], 'life', 64),
        lastIndex: asInteger(frame['lastIndex'], 'lastIndex'),
        hash: asText(frame['hash'], 'hash', 64),
      };
    case 'requestAuthority':
      return { t: 'requestAuthority', id: asInteger(frame['id'], 'id', 1) };
    case 'revoked':
      return { t: 'revoked', index: asInteger(frame['index'], 'index') };
    default:
      throw new FormatError('frame of unknown type');
  }
}
