import { columns, shellAnswer, sorted, statsLine, topLines } from './lines.ts';
import type { Scenario } from './scenario.ts';

/** The image that both engines have before the first scenario. */
export const image = 'conformance/busybox:1';

const loop = 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo out $i; echo err $i >&2; done';
const onStderr = '20.10 says it on standard output, where a pipe would take it for the program’s';
const inspected = (format: string, name: string) => ['inspect', '--format', format, name];

/** Containers: their life and what can be asked about them. */
export const containerScenarios: readonly Scenario[] = [
  {
    name: 'run --rm prints and gives the exit code',
    steps: [
      { run: ['run', '--rm', image, 'echo', 'hello'] },
      { run: ['run', '--rm', image, 'sh', '-c', 'echo out; echo err >&2; exit 3'] },
      { run: ['run', '--rm', image, 'sh', '-c', 'kill -9 $$'] },
      { run: ['ps', '-a'] },
    ],
  },
  {
    name: 'run -i reads standard input to its end',
    steps: [
      { run: ['run', '--rm', '-i', image, 'wc', '-c'], input: 'x'.repeat(200_000) },
      { run: ['run', '--rm', '-i', image, 'cat'], input: 'a\nb' },
    ],
  },
  {
    name: 'run -it has a terminal',
    steps: [
      { run: ['run', '--rm', '-it', image, 'sh', '-c', 'tty; stty size; exit 5'], terminal: true },
      {
        run: ['run', '--rm', '-it', image, 'sh'],
        terminal: true,
        input: 'echo sum-$((6*7)); exit 4\n',
        normalize: shellAnswer,
      },
      { run: ['run', '--rm', '-t', image, 'sh', '-c', 'echo $TERM'] },
    ],
  },
  {
    name: 'run -d, ps, stop, ps -a',
    steps: [
      { run: ['run', '-d', '--name', 'one', image, 'sh', '-c', 'trap "exit 9" TERM; while :; do sleep 0.1; done'] },
      { run: ['ps'], normalize: columns },
      { run: ['port', 'one'] },
      { run: ['stop', 'one'] },
      { run: ['ps', '-a'], normalize: columns },
      { run: ['ps', '-aq', '--filter', 'status=exited', '--filter', 'name=one'] },
      { run: ['ps', '-a', '--filter', 'exited=9', '--format', '{{.Names}} {{.State}} {{.Command}}'] },
      { run: ['wait', 'one'] },
      { run: ['rm', 'one'] },
    ],
  },
  {
    name: 'create, start -a, restart, start again',
    steps: [
      { run: ['create', '--name', 'made', image, 'sh', '-c', 'echo life; exit 2'] },
      { run: ['ps', '-a', '--format', '{{.Names}} {{.Status}}'] },
      { run: ['start', '-a', 'made'] },
      { run: ['start', '-a', 'made'] },
      { run: ['logs', 'made'] },
      { run: ['restart', '-t', '1', 'made'] },
      { run: ['wait', 'made'] },
    ],
  },
  {
    name: 'limits of memory, CPU and processes',
    steps: [
      {
        run: [
          ...['run', '-d', '--name', 'small', '-m', '64m', '--cpus', '0.5', '--pids-limit', '20'],
          ...[image, 'sleep', '100'],
        ],
      },
      {
        run: ['stats', '--no-stream', '--format', '{{.Name}} {{.CPUPerc}} {{.MemUsage}} {{.PIDs}}', 'small'],
        normalize: statsLine,
      },
      {
        run: inspected('{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}', 'small'),
      },
      {
        run: [
          'run',
          '--rm',
          '--pids-limit',
          '8',
          image,
          'sh',
          '-c',
          'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done; wait',
        ],
        normalize: (text) => text.replace(/(sh: can't fork: .*\n)+/g, 'cannot fork\n'),
      },
      {
        run: ['run', '--name', 'hog', '-m', '16m', '--memory-swap', '16m', image, 'sh', '-c', 'tail /dev/zero'],
      },
      { run: inspected('{{.State.OOMKilled}} {{.State.ExitCode}} {{.State.Status}}', 'hog') },
    ],
  },
  {
    name: 'exec',
    steps: [
      { run: ['run', '-d', '--name', 'host', '-e', 'GIVEN=1', image, 'sleep', '100'], quiet: true },
      { run: ['exec', 'host', 'echo', 'hello'] },
      { run: ['exec', 'host', 'sh', '-c', 'exit 6'] },
      { run: ['exec', '-i', 'host', 'cat'], input: 'through' },
      { run: inspected('{{json .ExecIDs}}', 'host') },
      { run: ['exec', '-e', 'MORE=2', '-w', '/tmp', 'host', 'sh', '-c', 'echo $GIVEN $MORE; pwd'] },
      { run: ['exec', '-u', 'user', 'host', 'id'] },
      { run: ['exec', '-u', '5:6', 'host', 'id'] },
      { run: ['exec', '-it', 'host', 'sh', '-c', 'tty; exit 3'], terminal: true },
      { run: ['exec', '-d', 'host', 'touch', '/tmp/made'] },
      {
        run: ['exec', 'host', 'nothere'],
        differs: '20.10 ends with 126 and says so on standard output; 127 and standard error are right',
      },
      { run: ['exec', 'host', '/etc/notx'], differs: onStderr },
      { run: ['exec', 'nobody', 'true'] },
      { run: ['exec', '-u', 'unknown', 'host', 'true'], differs: onStderr },
      { run: ['stop', '-t', '0', 'host'], quiet: true },
      { run: ['exec', 'host', 'true'] },
    ],
  },
  {
    name: 'logs',
    steps: [
      { run: ['run', '--name', 'talk', image, 'sh', '-c', loop], normalize: sorted },
      { run: ['logs', 'talk'], normalize: sorted },
      { run: ['logs', '--tail', '0', 'talk'] },
      { run: ['logs', '-t', 'talk'], normalize: sorted },
      { run: ['logs', '--since', '2099-01-01T00:00:00Z', 'talk'] },
      { run: ['run', '-d', '--name', 'slow', image, 'sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.2; done'] },
      { run: ['logs', '-f', 'slow'] },
      { run: ['logs', '--tail', '2', 'slow'] },
      { run: ['run', '--name', 'nonl', image, 'printf', 'no newline'] },
      { run: ['logs', 'nonl'] },
      { run: ['logs', 'nobody'] },
    ],
  },
  {
    name: 'top, pause, rename, kill',
    steps: [
      { run: ['run', '-d', '--name', 'old', image, 'sleep', '100'] },
      { run: ['top', 'old'], normalize: topLines },
      { run: ['pause', 'old'] },
      { run: ['ps', '--format', '{{.Status}}'] },
      { run: ['pause', 'old'] },
      { run: ['exec', 'old', 'true'] },
      { run: ['unpause', 'old'] },
      { run: ['unpause', 'old'] },
      { run: ['rename', 'old', 'new'] },
      { run: ['rename', 'old', 'newer'] },
      { run: ['kill', '-s', 'USR7', 'new'] },
      { run: ['kill', 'new'] },
      { run: ['wait', 'new'] },
      { run: ['kill', 'new'] },
      { run: ['top', 'new'] },
    ],
  },
  {
    name: 'diff',
    steps: [
      {
        run: [
          'run',
          '--name',
          'changed',
          image,
          'sh',
          '-c',
          'echo x > /etc/motd; rm /etc/notx; mkdir -p /a/b; touch /a/b/c',
        ],
      },
      { run: ['diff', 'changed'], normalize: sorted },
      { run: ['diff', 'nobody'] },
    ],
  },
  {
    name: 'inspect',
    steps: [
      {
        run: [
          ...['create', '--name', 'seen', '-e', 'A=b', '-l', 'x=y', '-w', '/tmp', '-u', 'user', '--hostname', 'box'],
          ...[
            '--restart',
            'on-failure:3',
            '--cap-add',
            'NET_ADMIN',
            '--read-only',
            '--network',
            'none',
            image,
            'sleep',
            '1',
          ],
        ],
      },
      { run: inspected('{{.Name}} {{.Path}} {{json .Args}} {{json .Config.Env}} {{json .Config.Labels}}', 'seen') },
      { run: inspected('{{.Config.WorkingDir}} {{.Config.User}} {{.Config.Hostname}} {{.Config.Image}}', 'seen') },
      { run: inspected('{{json .HostConfig.RestartPolicy}} {{json .HostConfig.CapAdd}}', 'seen') },
      { run: inspected('{{.HostConfig.NetworkMode}} {{.HostConfig.ReadonlyRootfs}}', 'seen') },
      {
        run: inspected('{{json .HostConfig.MaskedPaths}}', 'seen'),
        differs: 'dockerd writes the defaults into the record; ours applies them when it makes the spec',
      },
      {
        run: inspected(
          '{{.State.Status}} {{.State.Running}} {{.State.Pid}} {{.State.ExitCode}} {{.RestartCount}}',
          'seen',
        ),
      },
      { run: inspected('{{.State.StartedAt}} {{.State.FinishedAt}} {{.Driver}} {{.Platform}}', 'seen') },
      { run: ['inspect', 'nobody'] },
    ],
  },
  {
    name: 'rm and its refusals',
    steps: [
      { run: ['run', '-d', '--name', 'alive', image, 'sleep', '100'] },
      { run: ['rm', 'alive'] },
      { run: ['rm', '-f', 'alive'] },
      { run: ['rm', 'alive'] },
      { run: ['rm', '-f', 'alive'] },
    ],
  },
  {
    name: 'events',
    steps: [
      { run: ['run', '--rm', '--name', 'eventful', image, 'true'] },
      {
        run: [
          ...['events', '--since', '5m', '--until', '-2s', '--filter', 'container=eventful'],
          ...['--format', '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}'],
        ],
        normalize: (text) => text.replace(/^network .*\n/gm, ''),
      },
    ],
  },
];

/** What goes wrong, in the words of dockerd. */
export const failureScenarios: readonly Scenario[] = [
  {
    name: 'a bad command is 127, a file that cannot be executed 126',
    steps: [
      { run: ['run', '--rm', image, 'nothere'] },
      { run: ['run', '--rm', image, '/no/such/program'] },
      { run: ['run', '--rm', image, '/etc/notx'] },
      { run: ['run', '--rm', image, '/etc'] },
      { run: ['ps', '-a'] },
    ],
  },
  {
    name: 'names, images, users',
    steps: [
      { run: ['create', '--name', 'taken', image, 'true'], quiet: true },
      { run: ['create', '--name', 'taken', image, 'true'] },
      { run: ['create', '--name', '-bad', image, 'true'] },
      { run: ['create', '--pull', 'never', 'no/such:image', 'true'] },
      { run: ['create', 'Not/Lower', 'true'] },
      { run: ['run', '--rm', '-u', 'unknown', image, 'true'] },
      { run: ['run', '--rm', '-u', '99999999999', image, 'true'] },
      { run: ['run', '--rm', '-w', 'relative', image, 'true'] },
      { run: ['create', image], differs: 'today’s dockerd says it in lower case; 20.10 does not' },
    ],
  },
  {
    name: 'impossible limits',
    steps: [
      { run: ['create', '-m', '1m', image, 'true'] },
      { run: ['create', '--cpus', '500', image, 'true'], normalize: (text) => text.replace(/\d+\.\d\d/g, 'N') },
      { run: ['create', '-m', '64m', '--memory-swap', '32m', image, 'true'] },
      { run: ['create', '--cpuset-cpus', '4000', image, 'true'], normalize: (text) => text.replace(/\d-\d+/g, 'A-B') },
      { run: ['create', '--restart', 'sometimes', image, 'true'] },
      { run: ['ps', '-a'] },
    ],
  },
];

/** Images. */
export const imageScenarios: readonly Scenario[] = [
  {
    name: 'images, history, tag, rmi',
    steps: [
      { run: ['images', '--format', '{{.Repository}}:{{.Tag}} {{.Size}}'] },
      { run: ['tag', image, 'second:two'] },
      { run: ['images', '--filter', 'reference=second', '--format', '{{.Repository}}:{{.Tag}}'] },
      { run: ['history', '--format', '{{.CreatedBy}}|{{.Comment}}|{{.Size}}', image] },
      {
        run: [
          'image',
          'inspect',
          '--format',
          '{{.Os}} {{.Architecture}} {{.RootFS.Type}} {{len .RootFS.Layers}}',
          image,
        ],
      },
      { run: ['rmi', 'second:two'] },
      { run: ['rmi', 'second:two'] },
      { run: ['tag', 'nothing:here', 'x:y'] },
      { run: ['tag', image, 'Bad Name'] },
      {
        run: [
          ...['events', '--since', '5m', '--until', '0s', '--filter', 'image=second:two', '--filter', 'event=tag'],
          ...['--format', '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'],
        ],
      },
    ],
  },
  {
    name: 'rmi of a used image',
    steps: [
      { run: ['tag', image, 'used:1'], quiet: true },
      { run: ['create', '--name', 'user', 'used:1', 'true'], quiet: true },
      { run: ['rmi', 'used:1'] },
      { run: ['tag', image, 'used:1'], quiet: true },
      { run: ['rm', 'user'], quiet: true },
      { run: ['rmi', 'used:1'] },
    ],
  },
];
