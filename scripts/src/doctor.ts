/** `npm run doctor -- --data DIR`: reports what is damaged in the data of stopped replicas. Changes nothing. */
import { Command } from 'commander';
import { runScript } from './command-line.js';
import { addDoctorOptions } from './doctor/command.js';

await runScript(addDoctorOptions(new Command('npm run doctor --')));
