import { quiet, type Scenario, scenario, seenAs, shell, withEvents } from '../scenario.ts';

const until = (state: string, name: string) =>
  shell(`while [ "$(docker inspect -f '{{.State.Health.Status}}' ${name})" != ${state} ]; do sleep 0.05; done`);
/** How often a probe ran until somebody looked differs; what it led to does not. */
const without = (text: string) => text.replace(/^container exec_.*\n/gm, '');
const quick = '--health-interval 100ms --health-timeout 5s';

/** Health checks. */
export const healthScenarios: readonly Scenario[] = [
  withEvents(
    { normalize: without },
    scenario(
      'healthy, then not',
      `run -d --name hh ${quick} --health-retries 2 --health-cmd 'echo probed; test ! -e /bad; ' busybox sleep 100`,
      until('healthy', 'hh'),
      `ps --filter health=healthy --format '{{.Names}}'`,
      seenAs((text) => text.replace(/Up \S+ \S+/, 'UP'), `ps --format '{{.Status}}'`),
      `inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}} {{(index .State.Health.Log 0).ExitCode}} {{(index .State.Health.Log 0).Output}}' hh`,
      quiet('exec hh touch /bad'),
      until('unhealthy', 'hh'),
      `ps --filter health=unhealthy --format '{{.Names}}'`,
      'kill hh',
      'wait hh',
      `inspect -f '{{.State.Health.Status}}' hh`,
    ),
  ),
  withEvents(
    { normalize: without },
    scenario(
      'starting, and the start period',
      `run -d --name ss ${quick} --health-start-period 1h --health-cmd false busybox sleep 100`,
      `inspect -f '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' ss`,
      `ps --filter health=starting --format '{{.Names}}'`,
      'kill ss',
    ),
  ),
  scenario(
    'health checks that are wrong',
    'create --health-interval 1ns --health-cmd true busybox true',
    'create --health-retries -1 --health-cmd true busybox true',
    'create --health-timeout 1us --health-cmd true busybox true',
    'create --no-healthcheck --health-cmd true busybox true',
    'create --name nn --no-healthcheck busybox true',
    `inspect -f '{{json .Config.Healthcheck}} {{json .State.Health}}' nn`,
    'create --name gg --health-cmd true --health-interval 5s busybox true',
    `inspect -f '{{json .Config.Healthcheck}}' gg`,
  ),
];
