/** Entry point of the order replica process. */
import { main } from './program.js';

await main();
