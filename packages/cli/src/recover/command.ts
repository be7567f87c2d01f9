/** `trireme recover`: makes a new cluster from what survived the loss of a majority. */
import { basename, join, sep } from 'node:path';
import { Command, Option } from 'commander';
import type { Survivor } from '@trireme/orders';
import { npmScript, parseWholeNumber } from '@trireme/service';
import { resolveUserPath } from '../command-line.js';
import { dataFoldersIn } from '../doctor/examine.js';
import { describeReport } from '../doctor/report.js';
import { COMMAND_EXIT, CommandError, EXIT_HELP } from '../errors.js';
import {
  findObstacles,
  recoverFrom,
  surveySurvivors,
  type RecoveredCluster,
  type Survey,
} from './recover.js';

interface RecoverFlags {
  readonly data: readonly string[];
  readonly out?: string;
  readonly acceptDataLoss: boolean;
  readonly force: boolean;
  readonly replicas: number;
  readonly json: boolean;
}

const REPLICAS_DEFAULT = 3;
const REPLICAS_MAX = 15;

export function recoverCommand(): Command {
  return new Command('recover')
    .summary('Makes a new cluster from the remaining replicas after a majority is lost.')
    .description(
      'Only if a majority of the replicas is lost for good. Compares the data folders of the remaining replicas, which ' +
        'must be stopped, and says which one is the most complete and what may be lost. Without --accept-data-loss it ' +
        'writes nothing. With it, it makes a new cluster from that one, with another name and secret, so that no ' +
        'process of the old cluster can join it. The given folders are never changed.',
    )
    .requiredOption(
      '--data <folder...>',
      'data folders of the remaining replicas, or the folder of an npm start cluster that contains them',
    )
    .option('--out <folder>', 'data folder of the new cluster; must not exist or be empty')
    .option('--accept-data-loss', 'make the new cluster', false)
    .option('--force', 'recover even though the given replicas are a majority', false)
    .option(
      '--replicas <n>',
      'number of replicas of the new cluster',
      parseWholeNumber(1, REPLICAS_MAX),
      REPLICAS_DEFAULT,
    )
    .addOption(new Option('--json', 'print the result as JSON').env('TRIREME_JSON').default(false))
    .addHelpText('after', EXIT_HELP)
    .action(recover);
}

async function recover(flags: RecoverFlags): Promise<void> {
  const folders = [...new Set(flags.data.flatMap((path) => survivorFolders(resolveUserPath(path))))];
  if (folders.length === 0)
    throw new CommandError(
      COMMAND_EXIT.usage,
      `${flags.data.join(', ')}: no replica data found; check --data`,
    );
  if (flags.acceptDataLoss && flags.out === undefined)
    throw new CommandError(COMMAND_EXIT.usage, 'give --out FOLDER, the data folder of the new cluster');
  const out = flags.out === undefined ? null : resolveUserPath(flags.out);
  const around = folders.find((folder) => out === folder || out?.startsWith(folder + sep));
  if (around !== undefined)
    throw new CommandError(COMMAND_EXIT.usage, `--out must not be in ${around}, which never changes`);
  const onProgress = (line: string): void => void process.stderr.write(`${line}\n`);
  const survey = await surveySurvivors(folders, onProgress);
  const obstacles = findObstacles(survey, flags.force);
  const { best } = survey.comparison;
  if (!flags.json) console.log(describeSurvey(survey));
  let recovered: RecoveredCluster | null = null;
  if (best !== null && obstacles.length === 0 && flags.acceptDataLoss && out !== null) {
    recovered = await recoverFrom(best, { out, count: flags.replicas, onProgress });
  }
  if (flags.json) console.log(JSON.stringify(toJson(survey, obstacles, recovered), null, 2));
  else if (recovered !== null) console.log(`\n${describeRecovered(recovered)}`);
  if (obstacles.length > 0)
    throw new CommandError(COMMAND_EXIT.refused, `nothing was written: ${obstacles.join('; ')}`);
  if (recovered === null)
    throw new CommandError(
      COMMAND_EXIT.refused,
      'nothing was written. To make a new cluster, and to give up what may be lost, run the command again with ' +
        '--accept-data-loss --out FOLDER',
    );
}

/** The replica folders in `path`, without those that `members rejoin` or `replace` has moved aside. */
function survivorFolders(path: string): readonly string[] {
  return dataFoldersIn(path).filter((folder) => folder === path || !basename(folder).includes('.old-'));
}

function describeSurvey({ unusable, survivors, comparison }: Survey): string {
  const { best, lost } = comparison;
  const texts = [...unusable.map(describeReport), ...survivors.map(describeSurvivor)];
  if (best !== null) texts.push(describeChoice(best, lost));
  return texts.join('\n\n');
}

function describeSurvivor(survivor: Survivor): string {
  const { data, id, cluster, lastIndex, lastTerm, applied, orders, hash } = survivor;
  return [
    `replica ${id}, ${data}`,
    `  cluster  ${cluster}`,
    `  log      ends at index ${lastIndex} of term ${lastTerm}; the book on disk has applied ${applied}`,
    `  orders   ${orders} with all entries of the log`,
    `  hash     ${hash}`,
  ].join('\n');
}

function describeChoice(best: Survivor, lost: readonly string[]): string {
  const { id, data, lastIndex, lastTerm, applied, orders } = best;
  const missing = lost.length === 0 ? '' : ` by the missing ${lost.join(', ')}`;
  const tail = lastIndex - applied;
  return [
    `The most complete log is that of replica ${id}, ${data}: it ends at index ${lastIndex} of term ${lastTerm}.`,
    `What may be lost: everything that was acknowledged${missing} after index ${lastIndex}. These are orders above ` +
      `number ${orders}, and listings and restocks after that index.`,
    tail === 0
      ? 'The book has applied the whole log.'
      : `The last ${tail} entries of the log are applied too. They may not have been committed, but they may have ` +
        'been acknowledged.',
  ].join('\n');
}

function describeRecovered({ data, cluster, from, replicas }: RecoveredCluster): string {
  const { lastIndex, lastTerm, orders, hash } = from;
  return [
    `${data}: cluster ${cluster}, recovered from replica ${from.id} of cluster ${from.cluster} at log index ${lastIndex} ` +
      `of term ${lastTerm}, order ${orders}, hash ${hash}`,
    `start it: ${npmScript('start', '--data', data, '--port', 'PORT')}`,
    `or move each of ${replicas.map((name) => join(data, `replica-${name}`)).join(', ')} to its machine, and start every ` +
      `process with --cluster ${cluster} and the secret in ${join(data, 'secret')}; do not give --bootstrap`,
  ].join('\n');
}

/** Without the positions in the log, which are many. */
function toJson(
  { unusable, survivors, comparison }: Survey,
  obstacles: readonly string[],
  recovered: RecoveredCluster | null,
): object {
  const plain = ({ positions, membership, ...more }: Survivor): object => ({
    ...more,
    voters: membership.voters,
    checked: positions.size,
  });
  const { best, lost, isMajority } = comparison;
  return {
    survivors: survivors.map(plain),
    unusable,
    best: best?.id ?? null,
    lost,
    isMajority,
    obstacles,
    recovered: recovered === null ? null : { ...recovered, from: plain(recovered.from) },
  };
}
