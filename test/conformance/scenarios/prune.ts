import { quiet, type Scenario, scenario, seenAs, shell, withEvents } from '../scenario.ts';

const ids = (text: string) => text.replace(/[0-9a-f]{64}/g, 'ID');

/** What clears away, and what says how much there is. */
export const pruneScenarios: readonly Scenario[] = [
  withEvents(
    { isInterleaved: true },
    scenario(
      'container prune',
      quiet('create --name made busybox true'),
      quiet(`run --name ended busybox sh -c 'head -c 1000 /dev/zero > /f'`),
      quiet('run -d --name runs busybox sleep 100'),
      quiet('create --name kept -l keep busybox true'),
      seenAs(ids, 'container prune -f --filter label!=keep'),
      `ps -a --format '{{.Names}}'`,
      'container prune -f --filter until=1h',
      'container prune -f --filter nonsense=1',
      'container prune -f --filter until=nonsense',
      seenAs(ids, 'container prune -f'),
      'container prune -f',
    ),
  ),
  withEvents(
    { isInterleaved: true, normalize: (text) => text.replace(/sha256:ID/g, 'IMAGE') },
    scenario(
      'image prune',
      quiet(`run --name box busybox sh -c 'echo x > /f'`),
      quiet('commit box one:1'),
      quiet('commit box'),
      seenAs(ids, 'image prune -f'),
      quiet('tag busybox other:1'),
      'image prune -f',
      'image prune -f --filter dangling=false --filter label=nothing',
      'image prune -f --filter nonsense=1',
      shell(`docker images --format '{{.Repository}}:{{.Tag}}' | sort`),
    ),
  ),
  scenario(
    'system prune',
    quiet('run --name ended busybox true'),
    quiet('volume create vol'),
    seenAs(ids, 'system prune -f --filter label=nothing'),
    'volume ls -q',
    `ps -a --format '{{.Names}}'`,
  ),
  scenario(
    'system df',
    quiet('run -d --name runs busybox sleep 100'),
    quiet('create --name made -v vol:/d busybox true'),
    shell(`docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}}'`),
    'system df --format nonsense{{.Nonsense}}',
    shell(`docker system df -v --format '{{json .Volumes}}' | grep -o '"Links":"[0-9]*"'`),
  ),
];
