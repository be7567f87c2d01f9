/** The doctor's command line, as `npm run doctor` and as `trireme doctor`. */
import { Option, type Command } from 'commander';
import { DATA_DEFAULT, userPath } from '../command-line.js';
import { dataFoldersIn, examine } from './examine.js';
import { DOCTOR_EXIT, describeReport, exitCodeOf } from './report.js';

/** Gives a command the doctor's options, its help, and what it does. */
export function asDoctor(command: Command): Command {
  return command
    .description(
      'Says what is damaged in the data of replicas that are down, what is left, and what to do. Changes nothing.',
    )
    .addOption(
      new Option('--data <folder>', "a replica's folder, or that of a whole cluster")
        .env('TRIREME_DATA')
        .default(DATA_DEFAULT),
    )
    .addOption(new Option('--json', 'the same for programs').env('TRIREME_JSON').default(false))
    .addHelpText(
      'after',
      `
Exit codes:
  ${DOCTOR_EXIT.sound}   everything is whole, or the next start mends it without a loss
  1   a file cannot be read
  ${DOCTOR_EXIT.nothing}  there is no data there
  ${DOCTOR_EXIT.damaged}  something is damaged
  ${DOCTOR_EXIT.inUse}  a replica has the data open`,
    )
    .action(doctor);
}

async function doctor(options: { data: string; json: boolean }): Promise<void> {
  const data = userPath(options.data);
  const reports = [];
  for (const folder of dataFoldersIn(data)) reports.push(await examine(folder));
  if (options.json) console.log(JSON.stringify(reports, null, 2));
  else if (reports.length === 0) console.error(`error: ${data} holds no data of a replica`);
  else console.log(reports.map(describeReport).join('\n\n'));
  process.exitCode = exitCodeOf(reports);
}
