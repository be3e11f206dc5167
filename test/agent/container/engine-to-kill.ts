import { setInterval } from 'node:timers';
import { createContainers } from '../../../src/agent/container/containers.ts';
import { EventHub } from '../../../src/agent/container/events.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import { openImageStore } from '../../../src/agent/store/disk-store.ts';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import { shimPath } from '../shim/rig.ts';

/** Starts ten containers, prints their ids and waits to be killed. */
async function main([dataRoot = '', execRoot = '', signals = '']: string[]): Promise<void> {
  setInterval(() => undefined, 60_000);
  const shims = createShims({ path: shimPath });
  const images = await openImageStore({ root: dataRoot, shims });
  const events = new EventHub(() => process.hrtime.bigint());
  const containers = await createContainers({ dataRoot, execRoot, host: await readHostFacts(), images, shims, events });
  const writes = 'i=0; while :; do echo "line $i"; i=$((i+1)); usleep 10000; done';
  const waits = 'while [ ! -e /signals/end ]; do usleep 10000; done';
  const scripts = [writes, writes, `${waits}; exit 0`, `${waits}; exit 1`, `${waits}; exit 42`];
  while (scripts.length < 10) scripts.push('while :; do sleep 1; done');
  const ids: string[] = [];
  for (const script of scripts) {
    const { id } = await containers.create({
      config: { Image: 'bb', Cmd: ['sh', '-c', script] },
      hostConfig: { NetworkMode: 'none', Binds: [`${signals}:/signals`] },
    });
    await containers.start(id);
    ids.push(id);
  }
  process.stdout.write(`${ids.join(' ')}\n`);
}

await main(process.argv.slice(2));
