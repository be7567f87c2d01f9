/** Parses the frames of front-ends. An invalid frame closes its link. */
import {
  parseAfterName,
  expectInteger,
  parseLookupItems,
  expectObject,
  parsePageRequest,
  FormatError,
  type CheckedItems,
  type FrontendToCatalog,
  type InvalidListRequest,
  type LookupItem,
} from '@trireme/domain';

/** `FrontendToCatalog`, with invalid look-ups and lists set apart: they are answered and do not close the link. */
export type FrontendFrame =
  | Exclude<FrontendToCatalog, { readonly t: 'lookup' }>
  | ({ readonly t: 'lookup' } & CheckedItems<LookupItem>)
  | InvalidListRequest;

/** @throws FormatError if the message is not a valid frame of a front-end. */
export function parseFrontendFrame(message: unknown): FrontendFrame {
  const frame = expectObject(message, 'frame');
  switch (frame['t']) {
    case 'renew':
      return { t: 'renew', id: expectInteger(frame['id'], 'id') };
    case 'lookup':
      return { t: 'lookup', ...parseLookupItems(frame['items']) };
    case 'list':
      return parsePageRequest(frame, (id, limit) => {
        return { t: 'list', id, after: parseAfterName(frame['after']), limit };
      });
    case 'dropped':
      return { t: 'dropped', seq: expectInteger(frame['seq'], 'seq', 1) };
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('unknown frame type');
  }
}
