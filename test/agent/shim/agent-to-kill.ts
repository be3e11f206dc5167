// Stands for an agent: starts a writer, tells its pid, follows its output until it is killed.
import { createShims } from '../../../src/agent/shim/client.ts';

const [shim = '', directory = ''] = process.argv.slice(2);
const why = 'test';
const script =
  'i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); [ $((i%10)) = 0 ] && /bin/busybox usleep 1000; done; exit 11';
const started = await createShims({ path: shim }).start(
  {
    operations: [
      { op: 'log', path: `${directory}/log`, why },
      { op: 'listen', path: `${directory}/listen`, why },
      {
        op: 'spawn',
        flags: 0n,
        terminal: 0,
        stdin: 0,
        child: [{ op: 'exec', file: '/bin/busybox', argv: ['sh', '-c', script], env: [], search: '', why }],
        after: [],
        why,
      },
    ],
  },
  { onOutput: () => undefined },
);
console.log(started.pid);
