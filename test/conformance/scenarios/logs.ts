import { sorted } from '../lines.ts';
import { differs, quiet, type Scenario, scenario, seenAs, withEvents } from '../scenario.ts';

const loop = `sh -c 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo out $i; echo err $i >&2; done'`;

const local = (options: string) => `run --rm --log-driver local ${options} busybox echo x`;

/** `docker logs` and `docker attach`. */
export const logScenarios: readonly Scenario[] = [
  scenario(
    'logs of both streams',
    seenAs(sorted, `run --name talk busybox ${loop}`),
    seenAs(sorted, 'logs talk'),
    seenAs(sorted, 'logs -t talk'),
    'logs --tail 0 talk',
    'logs nobody',
  ),
  scenario(
    'logs --tail, --since, --until',
    quiet(`run --name nn busybox seq 10`),
    'logs --tail 2 nn',
    'logs -n 100 nn',
    'logs --tail all nn',
    'logs --tail nonsense nn',
    'logs --tail -3 nn',
    'logs --since 2099-01-01T00:00:00Z nn',
    'logs --until 2000-01-01T00:00:00Z nn',
    'logs --since 1h nn',
    'logs --since nonsense nn',
    'logs --until 2099-01-01T00:00:00Z --tail 1 nn',
  ),
  scenario(
    'logs -f until the end',
    `run -d --name slow busybox sh -c 'for i in 1 2 3; do echo $i; sleep 0.05; done'`,
    'logs -f slow',
    'logs -f --tail 1 slow',
    'logs -ft slow',
  ),
  scenario(
    'logs of unusual lines',
    quiet(`run --name nonl busybox printf 'no newline'`),
    'logs nonl',
    quiet(`run --name empty busybox printf 'a\\n\\nb\\n'`),
    'logs empty',
    quiet(`run --name long busybox sh -c 'head -c 40000 /dev/zero | tr "\\0" x; echo; echo end'`),
    'logs long',
    'logs --tail 1 long',
    quiet(`run --name odd busybox printf '\\001\\377\\r\\n\\tq"\\\\'`),
    'logs odd',
  ),
  scenario(
    'logs of a terminal',
    quiet(`run -t --name tty busybox sh -c 'echo out; echo err >&2'`),
    'logs tty',
    'logs -t tty',
    'logs --tail 1 tty',
  ),
  scenario(
    'logs of two lives',
    quiet('run --name twice busybox echo life'),
    quiet('start -a twice'),
    'logs twice',
    'logs --tail 1 twice',
  ),
  scenario(
    'logs with details: labels, variables and the tag that log options choose',
    quiet(
      `run --name dd --label a=b --label c=d/e --label other=1 -e X=Y -e 'P Q=1 2' --log-opt labels=c,a,none --log-opt env=X --log-opt env-regex=^P --log-opt tag={{.Name}}/{{.ImageName}} busybox echo x`,
    ),
    'logs --details dd',
    'logs --details -t dd',
    quiet('run --name id --log-opt tag={{.ID}} --label l=1 --log-opt labels-regex=^l busybox echo x'),
    'logs --details id',
    quiet('run --name none --label a=b busybox echo x'),
    'logs --details none',
    quiet('run -t --name tty --label a=b --log-opt labels=a busybox echo x'),
    'logs --details tty',
    quiet('run --name nonl --label a=b --log-opt labels=a busybox printf one\\n\\ntwo'),
    'logs --details nonl',
  ),
  scenario(
    'log options that are wrong',
    'run --log-opt nope=1 busybox true',
    'run --log-opt tag={{.Nope}} busybox true',
    'run --log-opt tag={{ busybox true',
    'run --log-opt mode=nope busybox true',
    'run --log-opt max-buffer-size=1m busybox true',
    'run --log-driver local --log-opt labels=a busybox true',
    'run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=4m busybox echo x',
    'run --rm --log-opt compress=false busybox echo x',
    differs('each has its own words for what is no expression', 'run --log-opt labels-regex=( busybox true', {
      code: 125,
      stderr:
        "docker: Error response from daemon: failed to initialize logging driver: error parsing regexp: invalid syntax: `(`\n\nRun 'docker run --help' for more information\n",
    }),
  ),
  withEvents(
    { differs: { why: 'dockerd makes the container before it refuses the start', ours: [] } },
    scenario(
      'the log option that is not there yet',
      differs('ours refuses it by name', 'run --rm --log-opt compress=true busybox true', {
        code: 125,
        stderr:
          "docker: Error response from daemon: the log option compress is not supported yet\n\nRun 'docker run --help' for more information\n",
      }),
    ),
  ),
  scenario(
    'log sizes and numbers of files: odd ones',
    ...['0', '0.5', '-1', '1.5k', '.5k', '1e3', '', '10 k', '9999999999p', '1.2.3k'].map(
      (size) => `run --rm --log-opt 'max-size=${size}' busybox echo x`,
    ),
    ...['0', '-1', '1.5', '', '+3', '03', '9'.repeat(20)].map(
      (count) => `run --rm --log-opt 'max-file=${count}' busybox echo x`,
    ),
    'run --rm --log-opt max-size=1k --log-opt max-file=9999999999 busybox echo x',
    'run --rm --log-opt max-size=0 --log-opt max-file=0 busybox echo x',
    'run --rm --log-opt max-size=zz --log-opt compress=zz busybox echo x',
    'run --rm --log-opt max-file=0 --log-opt compress=zz busybox echo x',
    'run --rm --log-opt mode=non-blocking --log-opt max-buffer-size=1.2.3 busybox echo x',
  ),
  scenario(
    'log sizes and numbers of files of the driver local: odd ones',
    ...['zz', '-1', '9999999999p'].map((size) => local(`--log-opt max-size=${size}`)),
    ...['0', '1', 'zz'].map((count) => local(`--log-opt max-file=${count}`)),
    ...['0', '1', '-1'].map((count) => local(`--log-opt max-file=${count} --log-opt compress=false`)),
    local('--log-opt max-size=zz --log-opt max-file=zz'),
    local('--log-opt compress=zz'),
    quiet('run --name each --log-driver local --log-opt max-size=0 busybox seq 1 20'),
    'logs each',
  ),
  scenario('logs of one that never ran', quiet('create --name never busybox true'), 'logs never', 'logs -f never'),
  scenario(
    'attach to what does not run',
    quiet('run --name aa busybox true'),
    'attach aa',
    'attach nobody',
    quiet('create --name made busybox true'),
    'attach made',
    quiet('run -d --name pp busybox sleep 100'),
    'pause pp',
    'attach pp',
    'unpause pp',
  ),
  withEvents(
    { normalize: sorted },
    scenario(
      'attach without standard input, to the end',
      quiet(`run -d --name followed busybox sh -c 'while ! test -e /go; do sleep 0.02; done; echo late; exit 5'`),
      {
        // It goes on when somebody is attached, as the events tell, past ones too; its end ends those who wait for events.
        words: [
          'sh',
          '-c',
          `docker events --since 1 --filter container=followed --filter event=attach --filter event=die |
             { read -r _; docker exec followed touch /go; } &
           docker attach --no-stdin followed; code=$?; wait; exit $code`,
        ],
      },
    ),
  ),
];
