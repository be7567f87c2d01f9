/**
 * Ids of links: `process + STRIDE * n`. The process is the catalog of a link to a leader, and the front-end of a link to a
 * catalog. `n` is the lowest that neither end knows, so that states that differ by the ids of past links are one.
 */
import type { LinkId } from '../index.js';

const STRIDE = 8;

export function processOf(link: LinkId): number {
  return link % STRIDE;
}

export function freeLink(process: number, isKnown: (link: LinkId) => boolean): LinkId {
  let link = process;
  while (isKnown(link)) link += STRIDE;
  return link;
}

/** The same link of the other of two processes. */
export function swapProcess(link: LinkId): LinkId {
  return link - processOf(link) + (1 - processOf(link));
}
