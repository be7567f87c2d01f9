/**
 * Parses and checks frames received on links, so that all other code can rely on their types. Each function
 * throws `FormatError`.
 */
import {
  FRAME_ITEMS_MAX,
  FormatError,
  parseAfterName,
  expectBoolean,
  parseUrl,
  expectInteger,
  expectItems,
  parseLookupItems,
  expectObject,
  parsePageRequest,
  expectText,
  commandFromWire,
  isOrderName,
  isRequestId,
  type CatalogToReplica,
  type CheckedItems,
  type Command,
  type OrderReadItem,
  type InvalidListRequest,
  type LookupItem,
} from '@trireme/domain';

/** A command that a front-end submits. */
interface Submission {
  /** Chosen by the front-end. */
  readonly id: number;
  readonly command: Command;
  /** Request id of the client; null if it gave none. */
  readonly requestId: string | null;
}

/** A `FrontendToReplica` frame with decoded commands, and with its invalid items separated. */
export type FrontendFrame =
  | ({ readonly t: 'submit' } & CheckedItems<Submission>)
  | ({ readonly t: 'get' } & CheckedItems<OrderReadItem>)
  | {
      readonly t: 'list';
      readonly id: number;
      readonly after: number;
      readonly limit: number;
      readonly name: string | null;
    }
  | ({ readonly t: 'lookup' } & CheckedItems<LookupItem>)
  | { readonly t: 'listStocks'; readonly id: number; readonly after: string; readonly limit: number }
  | InvalidListRequest
  | { readonly t: 'report' };

/** @throws FormatError if the frame itself is not valid, which closes its link. */
export function parseFrontendFrame(value: unknown): FrontendFrame {
  const frame = expectObject(value, 'frame');
  switch (frame['t']) {
    case 'submit':
      return { t: 'submit', ...expectItems(frame['items'], parseSubmitItem, FRAME_ITEMS_MAX) };
    case 'get':
      return { t: 'get', ...expectItems(frame['items'], parseGetItem, FRAME_ITEMS_MAX) };
    case 'list':
      return parseList(frame);
    case 'lookup':
      return { t: 'lookup', ...parseLookupItems(frame['items']) };
    case 'listStocks':
      return parsePageRequest(frame, (id, limit) => {
        return { t: 'listStocks', id, after: parseAfterName(frame['after']), limit };
      });
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseList(frame: Readonly<Record<string, unknown>>): FrontendFrame {
  return parsePageRequest(frame, (id, limit) => {
    const { name } = frame;
    if (name !== null && !isOrderName(name)) throw new FormatError('name is not a valid stock name');
    return { t: 'list', id, after: expectInteger(frame['after'], 'after'), limit, name };
  });
}

function parseSubmitItem(id: number, [, ...command]: readonly unknown[]): Submission {
  const requestId = command[4] ?? null;
  if (requestId !== null && !isRequestId(requestId)) throw new FormatError('request id is not valid');
  return { id, command: commandFromWire(command), requestId };
}

function parseGetItem(id: number, [, number, linearizable]: readonly unknown[]): OrderReadItem {
  return [id, expectInteger(number, 'number', 1), expectBoolean(linearizable, 'linearizable')];
}

/** A frame from a catalog to a leader. */
export type CatalogFrame = Exclude<CatalogToReplica, { readonly t: 'hello' }>;

/** @throws FormatError if the frame is not valid, which closes its link. */
export function parseCatalogFrame(value: unknown): CatalogToReplica {
  const frame = expectObject(value, 'frame');
  switch (frame['t']) {
    case 'hello':
      return { t: 'hello', url: parseUrl(frame['url']) };
    case 'attach':
      return {
        t: 'attach',
        term: expectInteger(frame['term'], 'term'),
        process: expectText(frame['process'], 'process', 64),
        visible: expectInteger(frame['visible'], 'visible'),
        hadAuthority: expectBoolean(frame['hadAuthority'], 'hadAuthority'),
        life: frame['life'] === null ? null : expectText(frame['life'], 'life', 64),
        lastIndex: expectInteger(frame['lastIndex'], 'lastIndex'),
        hash: expectText(frame['hash'], 'hash', 64),
      };
    case 'requestAuthority':
      return { t: 'requestAuthority', id: expectInteger(frame['id'], 'id', 1) };
    case 'revoked':
      return { t: 'revoked', index: expectInteger(frame['index'], 'index') };
    default:
      throw new FormatError('frame of unknown type');
  }
}
