/** Parses the frames that a replica receives. A malformed frame closes its link. */
import {
  CATALOG_TO_REPLICA,
  FRONTEND_TO_REPLICA,
  parseFrame,
  type CatalogToReplica,
  type ReceivedFrontendToReplica,
} from '@trireme/domain';

/** A frame of a front-end with decoded commands, and with its invalid items set apart. */
export type FrontendFrame = ReceivedFrontendToReplica;

/** @throws FormatError if the frame as a whole is not valid. */
export function parseFrontendFrame(message: unknown): FrontendFrame {
  return parseFrame(FRONTEND_TO_REPLICA, message);
}

/** A frame from a catalog to a leader. */
export type CatalogFrame = Exclude<CatalogToReplica, { readonly t: 'hello' }>;

/** @throws FormatError if the frame is not valid. */
export function parseCatalogFrame(message: unknown): CatalogToReplica {
  return parseFrame(CATALOG_TO_REPLICA, message);
}
