import { shellAnswer } from '../lines.ts';
import { differs, quiet, type Scenario, scenario, seenAs, shell, terminal, typed, withEvents } from '../scenario.ts';

const refusedAtStart = ['create', 'attach', 'destroy'].map(
  (action) => `container ${action} #0 image=busybox name=DRAWN`,
);

/** `docker run`: output, exit codes, standard input, terminals, and what the process finds. */
export const runScenarios: readonly Scenario[] = [
  scenario(
    'run --rm prints and gives the exit code',
    'run --rm --name gone busybox echo hello',
    `run --rm busybox sh -c 'echo out; echo err >&2; exit 3'`,
    `run --rm busybox sh -c 'kill -9 $$'`,
    `run --rm busybox sh -c 'kill -TERM $$; sleep 1'`,
    'ps -a',
  ),
  scenario(
    'run -i reads standard input to its end',
    typed('x'.repeat(200_000), 'run --rm -i busybox wc -c'),
    typed('a\nb', 'run --rm -i busybox cat'),
    typed('unread', 'run --rm busybox cat'),
  ),
  scenario(
    'run -it has a terminal',
    terminal(`run --rm -it busybox sh -c 'tty; stty size; exit 5'`),
    terminal(seenAs(shellAnswer, typed('echo sum-$((6*7)); exit 4\n', 'run --rm -it busybox sh'))),
  ),
  scenario(
    'run -t without a terminal of its own',
    `run --rm -t busybox sh -c 'echo $TERM; tty'`,
    'run --rm -it busybox true',
    `run --rm -t busybox sh -c 'echo out; echo err >&2'`,
  ),
  scenario(
    'run -a chooses streams',
    `run --rm -a stdout busybox sh -c 'echo out; echo err >&2'`,
    `run --rm -a stderr busybox sh -c 'echo out; echo err >&2'`,
    typed('in\n', 'run --rm -a stdin -a stdout -i busybox cat'),
    'run -a nonsense busybox true',
  ),
  scenario(
    'run -d and --cidfile',
    'run -d --name behind --cidfile cid busybox sleep 100',
    shell('wc -c < cid; docker inspect -f "{{.Name}}" $(cat cid)'),
    'run --rm --cidfile cid busybox true',
    'run -d --rm -a stdout busybox true',
    'rm -f behind',
  ),
  scenario(
    'environment: -e, --env-file, the image’s, HOSTNAME and HOME',
    `run --rm -e A=1 -e B= -e 'C=two words' -e NOTSET busybox sh -c 'env | grep ^[ABCN]= | sort'`,
    quiet(shell(`printf 'X=1\\n# comment\\nY=two words\\nX=2\\n' > vars`)),
    `run --rm --env-file vars -e Y=over busybox sh -c 'echo $X-$Y'`,
    'run --rm -h box busybox env',
    `run --rm -u user busybox sh -c 'echo $HOME'`,
    'run --rm -e =bad busybox true',
    'run --rm --env-file nothere busybox true',
  ),
  scenario(
    'working directory',
    'run --rm -w /tmp busybox pwd',
    'run --rm -w /made/by/run busybox pwd',
    'run --rm -w relative busybox true',
  ),
  withEvents(
    {
      differs: {
        why: '20.10 makes the directory when it creates the container, ours when it starts it',
        ours: refusedAtStart,
      },
    },
    scenario('a working directory that is a file', 'run --rm -w /etc/motd busybox pwd'),
  ),
  scenario(
    'users by name, id and group',
    'run --rm -u user busybox id',
    'run --rm -u 1000 busybox id',
    'run --rm -u user:staff busybox id',
    'run --rm -u 5:6 busybox id',
    'run --rm -u :staff busybox id',
    'run --rm --group-add staff --group-add 77 busybox id',
    'run --rm -u user --group-add nogroup busybox id',
    'run --rm -u user:nogroup busybox id',
  ),
  withEvents(
    {
      differs: {
        why: 'as its answer says',
        ours: ['create', 'attach', 'start', 'die', 'destroy'].map(
          (action) => `container ${action} #0 ${action === 'die' ? 'exitCode=0 ' : ''}image=busybox name=DRAWN`,
        ),
      },
    },
    scenario(
      'a group by number and by name',
      differs(
        '20.10 does not find the group of a name that it has by number already',
        'run --rm --group-add 50 --group-add staff busybox id',
        { stdout: 'uid=0(root) gid=0(root) groups=0(root),50(staff)\n' },
      ),
    ),
  ),
  scenario(
    'entrypoints',
    'run --rm --entrypoint echo busybox said',
    `run --rm --entrypoint /bin/sh busybox -c 'echo $0'`,
    `run --rm --entrypoint '' busybox echo cleared`,
    `run --rm --entrypoint '' busybox`,
    quiet('create --name ee --entrypoint echo busybox a b'),
    `inspect -f '{{json .Config.Entrypoint}} {{json .Config.Cmd}} {{.Path}} {{.Args}}' ee`,
  ),
  scenario(
    'host name, domain name, hosts and resolv.conf',
    `run --rm -h box busybox sh -c 'hostname; cat /etc/hostname'`,
    `run --rm -h box.example.org busybox hostname`,
    `run --rm --domainname example.org -h box busybox sh -c 'hostname; cat /etc/hostname /proc/sys/kernel/domainname'`,
    `run --rm --network none --add-host a:1.2.3.4 --add-host b:::1 busybox sh -c 'grep -E "\\s(a|b)$" /etc/hosts'`,
    'run --rm --network none --dns 9.9.9.9 --dns-search example.org --dns-option ndots:2 busybox cat /etc/resolv.conf',
    'run --rm --add-host bad busybox true',
    'run --rm --dns nonsense busybox true',
    `run --rm -h '-bad-' busybox true`,
  ),
  scenario(
    'what cannot be executed: 127 and 126',
    'run --rm busybox nothere',
    'run --rm busybox /no/such/program',
    'run --rm busybox /etc/notx',
    'run --rm busybox /etc',
    'run -d --name stays busybox nothere',
    `inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' stays`,
    `ps -a --format '{{.Names}} {{.Status}}'`,
  ),
  scenario('an empty program', `run --rm busybox ''`),
  scenario(
    'detach keys leave the container alone',
    terminal(seenAs(() => '', typed('ab', 'run -it --detach-keys a,b --name left busybox sh'))),
    `inspect -f '{{.State.Status}}' left`,
    'run --rm --detach-keys nonsense-keys -it busybox true',
    'rm -f left',
  ),
  scenario(
    'labels and annotations',
    quiet(shell('printf "from=file\\nlone\\n" > labels')),
    'create --name ll -l a=b -l lone -l a=c --label-file labels busybox true',
    `inspect -f '{{json .Config.Labels}}' ll`,
    `ps -a --filter label=a=c --format '{{.Names}} {{.Label "from"}}'`,
    'ps -aq --filter label=a=b',
  ),
];
