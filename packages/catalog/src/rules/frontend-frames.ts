/** Checks of the frames of front-ends. What does not pass closes the link that it came on. */
import {
  asAfterName,
  asInteger,
  asLookupItems,
  asObject,
  asPageQuestion,
  FormatError,
  type CheckedItems,
  type FrontendToCatalog,
  type InvalidList,
  type LookupItem,
} from '@trireme/domain';

/** `FrontendToCatalog`, and what of it is refused by itself. */
export type FrontendFrame =
  | Exclude<FrontendToCatalog, { readonly t: 'lookup' }>
  | ({ readonly t: 'lookup' } & CheckedItems<LookupItem>)
  | InvalidList;

/** @throws FormatError if it is not a frame of a front-end. */
export function parseFrontendFrame(message: unknown): FrontendFrame {
  const frame = asObject(message, 'frame');
  switch (frame['t']) {
    case 'renew':
      return { t: 'renew', id: asInteger(frame['id'], 'id') };
    case 'lookup':
      return { t: 'lookup', ...asLookupItems(frame['items']) };
    case 'list':
      return asPageQuestion(frame, (id, limit) => {
        return { t: 'list', id, after: asAfterName(frame['after']), limit };
      });
    case 'dropped':
      return { t: 'dropped', seq: asInteger(frame['seq'], 'seq', 1) };
    case 'report':
      return { t: 'report' };
    default:
      throw new FormatError('frame of unknown type');
  }
}
