import { parseArgs } from 'node:util';
import { stormArchives } from './archive-campaign.ts';
import { type CampaignOptions, type Report, stormBodies, stormRequests } from './campaign.ts';
import { type Counted, openWorld } from './world.ts';

/**
 * The long run: `npx tsx test/fuzz/run.ts --requests 50000 --bodies 10000 --seed S`. A finding is repeated with the same
 * seed and `--first INDEX --requests 1` (or `--bodies 1`); it comes as a curl command line. `--archives 20000` gives archives to an image store.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      requests: { type: 'string', default: '0' },
      bodies: { type: 'string', default: '0' },
      archives: { type: 'string', default: '0' },
      first: { type: 'string', default: '0' },
    },
  });
  const seed = Number(values.seed);
  console.log(`seed ${seed}`);
  const archives = Number(values.archives);
  if (archives > 0)
    process.exitCode = (await giveArchives({ seed, count: archives, first: Number(values.first) })) ? 0 : 1;
  if (Number(values.requests) + Number(values.bodies) === 0) return;
  const world = await openWorld();
  let findings = 0;
  try {
    const campaigns = [
      ['create bodies', Number(values.bodies), stormBodies],
      ['requests', Number(values.requests), stormRequests],
    ] as const;
    await world.restore();
    await world.empty();
    show('before', await world.count());
    for (const [what, count, storm] of campaigns) {
      if (count === 0) continue;
      const options: CampaignOptions = {
        seed,
        count,
        first: Number(values.first),
        progress: (done) => console.log(`${done} ${what}`),
      };
      const began = Date.now();
      const report = await storm(world, options);
      findings += report.findings.length;
      tell(`${count} ${what} in ${Math.round((Date.now() - began) / 1000)} s`, report);
      await world.empty();
      show('after', await world.count());
    }
  } finally {
    // Also when it is why this ends.
    console.log(world.agent.stderr().split('\n').slice(-200).join('\n'));
    await world.close();
  }
  if (findings > 0) process.exitCode = 1;
}

/** @returns whether everything was as it has to be */
async function giveArchives(options: { seed: number; count: number; first: number }): Promise<boolean> {
  const began = Date.now();
  const progress = (done: number): void => console.log(`${done} archives, ${resident()} MB`);
  const { ends, findings, descriptors } = await stormArchives({ ...options, progress });
  const counts = [...ends].map(([end, times]) => `${end}: ${times}`).join(', ');
  const seconds = Math.round((Date.now() - began) / 1000);
  console.log(`${options.count} archives in ${seconds} s: ${counts}; ${findings.length} findings, ${resident()} MB`);
  console.log(`${descriptors.length} descriptors more than before: ${descriptors.join(' ')}`);
  for (const finding of findings) console.log(`\n${finding}`);
  return findings.length === 0;
}

const resident = (): number => Math.round(process.memoryUsage.rss() / 2 ** 20);

function tell(what: string, { statuses, findings }: Report): void {
  const counts = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
  console.log(`${what}: ${counts.join(', ')}; ${findings.length} findings`);
  for (const { index, times, problem, curl } of findings) {
    console.log(`\n#${index}, ${times} times: ${problem}\n  ${curl.slice(0, 3000)}`);
  }
}

function show(when: string, { mounts, cgroups, shims, directories, descriptors, resident }: Counted): void {
  const things = `${mounts.length} mounts, ${cgroups.length} cgroups, ${shims.length} shims, ${directories.length} directories`;
  console.log(`${when}: ${things}, ${descriptors.length} descriptors, ${resident} MB`);
  for (const one of [...mounts, ...cgroups, ...shims, ...directories].slice(0, 20)) console.log(`  ${one}`);
}

await main();
