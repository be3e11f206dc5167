import { quiet, type Scenario, scenario } from '../scenario.ts';

/** Restart policies. */
export const restartScenarios: readonly Scenario[] = [
  scenario(
    'on-failure with a count',
    `run -d --name ff --restart on-failure:2 busybox sh -c 'exit 3'`,
    { words: ['sh', '-c', 'while [ "$(docker inspect -f {{.State.Status}} ff)" != exited ]; do sleep 0.05; done'] },
    `inspect -f '{{.RestartCount}} {{.State.ExitCode}} {{.State.Restarting}}' ff`,
    'start ff',
    quiet({
      words: ['sh', '-c', 'while [ "$(docker inspect -f {{.State.Status}} ff)" != exited ]; do sleep 0.05; done'],
    }),
    `inspect -f '{{.RestartCount}}' ff`,
  ),
  scenario(
    'on-failure and success',
    'run -d --name ok --restart on-failure busybox true',
    'wait ok',
    `inspect -f '{{.State.Status}} {{.RestartCount}}' ok`,
  ),
  scenario(
    'always, until it is stopped',
    'run -d --name aa --restart always busybox sleep 100',
    { words: ['sh', '-c', 'docker exec aa kill -9 1; docker exec aa sh -c "kill -TERM -1"; true'] },
    'stop -t 0 aa',
    `inspect -f '{{.State.Status}} {{.RestartCount}}' aa`,
    'start aa',
    'kill aa',
    'wait aa',
    `inspect -f '{{.State.Status}}' aa`,
  ),
];
