/** Checks of the frames of front-ends. What does not pass closes the link that it came on. */
import {
  asInteger,
  asItems,
  asObject,
  asText,
  FormatError,
  FRAME_ITEMS_MAX,
  invalidReason,
  ORDER_NAME_LENGTH_MAX,
  PAGE_ROWS_MAX,
  type CheckedItems,
  type FrontendToCatalog,
} from '@trireme/domain';

/** `FrontendToCatalog`, and what of it is refused by itself. */
export type FrontendFrame =
  | Exclude<FrontendToCatalog, { readonly t: 'lookup' }>
  | ({ readonly t: 'lookup' } & CheckedItems<readonly [id: number, name: string]>)
  | { readonly t: 'invalidList'; readonly id: number; readonly reason: string };

/** @throws FormatError if it is not a frame of a front-end. */
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
