import { buildAll } from './build.ts';
import { ensureTestPrograms } from './prerequisites.ts';

/** `npm run bench`: our figures beside dockerd's and runc's, measured in one run on this machine. */
await ensureTestPrograms();
await buildAll();
const { bench } = await import('../test/bench/bench.ts');
process.exitCode = (await bench()) ? 0 : 1;
