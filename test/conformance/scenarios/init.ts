import { quiet, type Scenario, scenario, shell } from '../scenario.ts';

const untilSays = (name: string) => shell(`while ! docker logs ${name} | grep -q ready; do sleep 0.02; done`);

/** `--init`: whose program is the first process, what it passes on, and how it ends; log drivers and options beside it. */
export const initScenarios: readonly Scenario[] = [
  scenario(
    'run --init',
    `run --rm --init busybox sh -c 'echo $PPID; tr "\\0" " " < /proc/1/cmdline'`,
    `run --rm --init busybox sh -c 'exit 7'`,
    `run --rm --init busybox sh -c 'kill -TERM $$'`,
    'run --rm --init --read-only --user 1000 busybox id -u',
    `run --rm --init -e PATH=/nowhere busybox /bin/echo hi`,
    'create --name ii --init busybox true',
    `inspect -f '{{.Path}} {{.Args}} {{.HostConfig.Init}}' ii`,
  ),
  scenario(
    'an init passes signals on and reaps',
    'run -d --name ss --init busybox sleep 1000',
    'stop -t 60 ss',
    `inspect -f '{{.State.ExitCode}}' ss`,
    `run -d --name oo --init busybox sh -c 'sh -c "true & exit"; sh -c "true & exit"; echo ready; exec sleep 1000'`,
    untilSays('oo'),
    `exec oo sh -c 'while grep -q "^State:.*zombie" /proc/[0-9]*/status; do sleep 0.05; done; echo reaped'`,
    quiet('kill oo'),
  ),
];

export const logOptionScenarios: readonly Scenario[] = [
  scenario(
    'log drivers',
    'run --name ll --log-driver local busybox echo kept',
    'logs ll',
    `inspect -f '{{json .HostConfig.LogConfig}} {{.LogPath}}' ll`,
    'run --name nn --log-driver none busybox echo gone',
    'logs nn',
    `inspect -f '{{json .HostConfig.LogConfig}} {{.LogPath}}' nn`,
  ),
  scenario(
    'log options',
    'run --name oo --log-opt max-size=1k --log-opt max-file=3 --log-opt labels=a --log-opt tag=t busybox seq 1 20',
    'logs --tail 3 oo',
    `inspect -f '{{json .HostConfig.LogConfig}}' oo`,
    'run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=1m busybox echo hi',
    'create --log-opt nosuch=1 busybox true',
    'create --log-driver local --log-opt tag=1 busybox true',
    'create --log-opt mode=odd busybox true',
    'create --log-opt max-buffer-size=1m busybox true',
    'create --log-opt mode=non-blocking --log-opt max-buffer-size=odd busybox true',
    'run --name bad --log-opt max-size=odd busybox true',
    `inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' bad`,
    'run --log-opt max-file=0 busybox true',
    'run --log-opt max-file=odd busybox true',
  ),
];
