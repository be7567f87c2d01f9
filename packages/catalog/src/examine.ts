/** Looks at the store of a catalog that is down: what is damaged, and what is left. LevelDB writes into what it opens. */
import { Level } from 'level';
import { decodeRecord, type Standing } from './records.js';
import { reason } from './store-error.js';

export interface CatalogExamination {
  readonly cluster: string | null;
  /** What is wrong with its records, as sentences. */
  readonly problems: readonly string[];
  /** Records found whole. */
  readonly stocks: number;
  readonly outcomes: number;
  /** Null where its record cannot be read. */
  readonly standing: Standing | null;
}

type Findings = { -readonly [Field in keyof CatalogExamination]: CatalogExamination[Field] } & {
  readonly problems: string[];
  sum: number;
};

/** Problems that are named one by one; more are only counted. */
const PROBLEMS_MAX = 20;

/** Examines the records of the LevelDB in `folder`, which is to be a copy: it is opened, and so rewritten. */
export async function examineCatalog(folder: string): Promise<CatalogExamination> {
  const found: Findings = { cluster: null, problems: [], stocks: 0, outcomes: 0, standing: null, sum: 0 };
  const database = new Level<Buffer, Buffer>(folder, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  try {
    await database.open();
  } catch (error) {
    found.problems.push(`LevelDB cannot open it, so nothing can be said of its records: ${reason(error)}`);
    return found;
  }
  try {
    for await (const [key, value] of database.iterator()) visit(key, value, found);
  } catch (error) {
    found.problems.push(`it cannot be read to its end: ${reason(error)}`);
  } finally {
    await database.close();
  }
  compare(found);
  const { length } = found.problems;
  if (length > PROBLEMS_MAX)
    found.problems.splice(PROBLEMS_MAX, length, `and ${length - PROBLEMS_MAX} others`);
  return found;
}

function visit(key: Buffer, value: Buffer, found: Findings): void {
  try {
    const record = decodeRecord(key, value);
    switch (record.table) {
      case 'identity':
        found.cluster = record.cluster;
        break;
      case 'standing':
        found.standing = record.standing;
        break;
      case 'stock':
        found.stocks += 1;
        found.sum += record.checksum;
        break;
      case 'outcomes':
        found.outcomes += 1;
        found.sum += record.checksum;
    }
  } catch (error) {
    found.problems.push(reason(error));
  }
}

function compare({ cluster, standing, problems, stocks, outcomes, sum }: Findings): void {
  if (cluster === null) problems.push('its identity record is missing or damaged');
  if (standing === null) {
    problems.push('its standing record is missing or damaged, so what should be in it is not known');
    return;
  }
  if (stocks !== standing.stocks) problems.push(`it has ${stocks} whole stock records of ${standing.stocks}`);
  if (outcomes !== standing.outcomeRecords) {
    problems.push(`it has ${outcomes} whole outcome records of ${standing.outcomeRecords}`);
  }
  if (problems.length === 0 && sum !== standing.sum)
    problems.push('an older record stands in for a later one');
}
