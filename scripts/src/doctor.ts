/** `npm run doctor -- --data DIR`: says what is damaged in the data of processes that are down, and changes nothing. */
import { Command } from 'commander';
import { runScript } from './command-line.js';
import { asDoctor } from './doctor/command.js';

await runScript(asDoctor(new Command('npm run doctor --')));
