/** Lists as pages: what comes short is filled up, and what was read is written as JSON. */

export interface Page<Row, Cursor> {
  readonly rows: readonly Row[];
  /** Where to go on, null at the end. */
  readonly next: Cursor | null;
}

/** Reads on until the page has `limit` rows or the list ends. `read` throws when the time is over. */
export async function fillPage<Row, Cursor>(
  limit: number,
  after: Cursor,
  read: (after: Cursor, limit: number) => Promise<Page<Row, Cursor>>,
): Promise<Page<Row, Cursor>> {
  const rows: Row[] = [];
  let next: Cursor | null = after;
  while (next !== null && rows.length < limit) {
    const page: Page<Row, Cursor> = await read(next, limit - rows.length);
    rows.push(...page.rows);
    next = page.next;
  }
  return { rows, next };
}

/** `{"data":[...],"next":...}` of rows that are JSON already. */
export function pageJson<Row>(page: Page<Row, string | number>, rowJson: (row: Row) => string): string {
  return `{"data":[${page.rows.map(rowJson).join(',')}],"next":${JSON.stringify(page.next)}}`;
}
