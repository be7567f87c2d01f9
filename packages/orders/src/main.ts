/** The order replica's process. */
import { main } from './program.js';

await main();
