/** Checks what comes over links, so that everything behind can rely on its types. Each throws `FormatError`. */
import {
  FRAME_ITEMS_MAX,
  FormatError,
  PAGE_ROWS_MAX,
  asBoolean,
  asInteger,
  asText,
  asItems,
  asObject,
  commandFromWire,
  invalidReason,
  isOrderName,
  isRequestId,
  type CatalogToLeader,
  type CheckedItems,
  type Command,
  type GetItem,
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
  | { readonly t: 'invalidList'; readonly id: number; readonly reason: string }
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
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}

function parseList(frame: Readonly<Record<string, unknown>>): FrontendFrame {
  const id = asInteger(frame['id'], 'id');
  try {
    const { name } = frame;
    if (name !== null && !isOrderName(name)) throw new FormatError('name is not one of an order');
    const limit = asInteger(frame['limit'], 'limit', 1);
    if (limit > PAGE_ROWS_MAX) throw new FormatError(`limit is above ${PAGE_ROWS_MAX}`);
    return { t: 'list', id, after: asInteger(frame['after'], 'after'), limit, name };
  } catch (error) {
    return { t: 'invalidList', id, reason: invalidReason(error) };
  }
}

function parseSubmitItem(id: number, [, ...command]: readonly unknown[]): Submission {
  const requestId = command[4] ?? null;
  if (requestId !== null && !isRequestId(requestId)) throw new FormatError('request id is not valid');
  return { id, command: commandFromWire(command), requestId };
}

function parseGetItem(id: number, [, number, linearizable]: readonly unknown[]): GetItem {
  return [id, asInteger(number, 'number', 1), asBoolean(linearizable, 'linearizable')];
}

export function parseCatalogFrame(value: unknown): CatalogToLeader {
  const frame = asObject(value, 'frame');
  switch (frame['t']) {
    case 'standing':
      return {
        t: 'standing',
        lastIndex: asInteger(frame['lastIndex'], 'last index'),
        hash: asText(frame['hash'], 'hash', 64),
      };
    case 'refused':
      return { t: 'refused', lastIndex: asInteger(frame['lastIndex'], 'last index') };
    case 'revoked':
      return { t: 'revoked', index: asInteger(frame['index'], 'index') };
    default:
      throw new FormatError('frame of unknown type');
  }
}
