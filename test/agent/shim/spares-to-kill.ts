// Stands for an agent that keeps shims ready: for every line that it is sent it asks one who it is.
import { createInterface } from 'node:readline';
import { createShims } from '../../../src/agent/shim/client.ts';

const [shim = ''] = process.argv.slice(2);
const shims = createShims({ path: shim, spares: true });
for await (const _line of createInterface(process.stdin)) {
  const executor = shims.execute();
  const [read] = await executor.run({
    operations: [{ op: 'read', path: '/proc/self/stat', limit: 100, why: 'test' }],
  });
  await executor.close();
  console.log(Number.parseInt(read?.data?.toString() ?? '', 10));
}
