import {
  differs,
  type EventRule,
  quiet,
  type Scenario,
  scenario,
  seenAs,
  shell,
  typed,
  withEvents,
} from '../scenario.ts';

/** Images that share layers: a base, two made from it, one from one of them, one that has lost its name. */
const stack = [
  quiet(
    typed(
      'FROM busybox\nLABEL kind=base a=1\nCOPY --from=busybox /etc/motd /one\n',
      'build -q -t base:1 -t base:2 -t far/base:x -',
    ),
  ),
  shell('sleep 1.1'),
  quiet(
    typed('FROM base:1\nLABEL kind=left\nRUN head -c 3000 /dev/zero > /left\n', 'build -q --network none -t left:1 -'),
  ),
  shell('sleep 1.1'),
  quiet(
    typed(
      'FROM base:1\nLABEL kind=right\nRUN head -c 5000 /dev/zero > /right\n',
      'build -q --network none -t right:1 -',
    ),
  ),
  shell('sleep 1.1'),
  quiet(typed('FROM left:1\nLABEL kind=lost\nENV A=b\n', 'build -q -t lost:1 -')),
  quiet('tag busybox lost:1'),
];

const names = `--format '{{.Repository}}:{{.Tag}}'`;
/** Of one age in seconds any order is right. */
const list = (options: string) => shell(`docker image ls ${options} ${names} | sort`);

/** dockerd's builder makes a container for every step and never starts it; which number comes where is a matter of those. */
const builds: EventRule = {
  isInterleaved: true,
  normalize: (text) =>
    text
      .split('\n')
      .filter((line) => !/^container .* name=DRAWN/.test(line))
      .map((line) => line.replace(/#\d+|sha256:ID/g, 'ID'))
      .sort()
      .join('\n'),
};

const ids = (text: string) => text.replace(/[0-9a-f]{64}/g, 'ID');

export const imageListScenarios: readonly Scenario[] = [
  withEvents(
    builds,
    scenario(
      'image ls: filters',
      ...stack,
      list(''),
      list('-a'),
      list('--filter dangling=true'),
      list('--filter dangling=false'),
      differs('20.10 knows only the words for it here, and both elsewhere', list('--filter dangling=1'), {
        stdout: '<none>:<none>\n',
      }),
      list('--filter dangling=nonsense'),
      list('--filter label=kind'),
      list('--filter label=kind=left'),
      list('--filter label=kind=left --filter label=a=1'),
      list('--filter label=kind=left --filter label=kind=right'),
      list('--filter label=nothing'),
      list('--filter before=left:1'),
      list('--filter since=left:1'),
      list('--filter since=base:1 --filter before=right:1'),
      list('--filter before=nothing:1'),
      list('--filter since=nothing:1'),
      list('--filter reference=base'),
      list('--filter reference=base:1'),
      list(`--filter 'reference=base:*'`),
      list(`--filter 'reference=*/*'`),
      list(`--filter 'reference=*/*:x'`),
      list(`--filter 'reference=*:1'`),
      list(`--filter 'reference=l*'`),
      list(`--filter reference=left --filter reference=right`),
      list(`--filter 'reference=[bl]*:1'`),
      list(`--filter 'reference=['`),
      list('--filter reference=docker.io/library/base'),
      list('base'),
      list('base:2'),
      list('nothing'),
      list('--filter nonsense=1'),
      differs('newer than 20.10', list('--filter until=1h'), {}),
      list(`--filter dangling=true --filter reference=base`),
      'image ls base left',
      shell(`docker image ls --digests --format '{{.Repository}} {{.Tag}} {{.Digest}} {{.Size}}' | sort`),
      shell(`docker image ls --no-trunc -q | sort | uniq | wc -l`),
      shell(`docker image ls -aq | sort | uniq | wc -l`),
      shell(`docker image ls --format '{{.Containers}} {{.SharedSize}} {{.UniqueSize}} {{.VirtualSize}}' | sort`),
    ),
  ),
  withEvents(
    builds,
    scenario(
      'system df: sizes that are shared and not',
      ...stack,
      quiet('create --name user left:1 true'),
      quiet('create --name another left:1 true'),
      quiet('create --name old right:1 true'),
      quiet('volume create vol'),
      quiet(`run --rm -v vol:/d busybox sh -c 'head -c 2000 /dev/zero > /d/f'`),
      quiet(`run --name wrote busybox sh -c 'head -c 7000 /dev/zero > /f'`),
      'system df',
      `system df --format '{{json .}}'`,
      shell(
        `docker system df -v --format '{{range .Images}}{{.Repository}} {{.Tag}} {{.Size}} {{.SharedSize}} {{.UniqueSize}} {{.Containers}}{{"\\n"}}{{end}}' | sort`,
      ),
      shell(
        `docker system df -v --format '{{range .Containers}}{{.Names}} {{.Image}} {{.Command}} {{.LocalVolumes}} {{.Size}} {{.State}}{{"\\n"}}{{end}}' | sort`,
      ),
      shell(
        `docker system df -v --format '{{range .Volumes}}{{.Name}} {{.Links}} {{.Size}} {{.Driver}}{{"\\n"}}{{end}}' | sort`,
      ),
      shell(`docker system df -v --format '{{len .BuildCache}}'`),
      shell(`docker system df -v | grep -v '^$' | sed 's/[0-9a-f]\\{12\\} /SHORT /; s/ \\{2,\\}/ | /g' | sort`),
      quiet('rmi -f right:1'),
      'system df',
    ),
  ),
  withEvents(
    builds,
    scenario(
      'image prune: filters',
      ...stack,
      quiet('create --name user left:1 true'),
      seenAs(ids, 'image prune -f --filter label=kind=nothing'),
      seenAs(ids, 'image prune -f --filter label!=kind=lost'),
      seenAs(ids, 'image prune -f --filter until=1h'),
      'image prune -f --filter until=nonsense',
      'image prune -f --filter until=1h --filter until=2h',
      'image prune -f --filter dangling=nonsense',
      shell(`docker image prune -f --filter label=kind=lost | sed 's/sha256:[0-9a-f]*/ID/' | sort`),
      list('-a'),
      shell(`docker image prune -af --filter label=kind=right | sed 's/sha256:[0-9a-f]*/ID/' | sort`),
      list('-a'),
      shell(`docker image prune -af --filter 'label!=kind' --filter until=1h | sed 's/sha256:[0-9a-f]*/ID/' | sort`),
      list('-a'),
      shell(`docker image prune -af --filter label=kind | sed 's/sha256:[0-9a-f]*/ID/' | sort`),
      list('-a'),
    ),
  ),
  scenario(
    'removal by id and by parts of it',
    quiet('tag busybox second:1'),
    shell('docker rmi $(docker image ls -q --no-trunc second:1 | cut -c1-12)'),
    shell('docker rmi $(docker image ls -q second:1)'),
    'rmi sha256:00',
    'rmi sha256:',
    'rmi 00',
    `rmi sha256:${'0'.repeat(64)}`,
    'rmi 0000000000000000000000000000000000000000000000000000000000000000',
    differs('20.10 says it twice', 'image inspect sha256:00', {
      code: 1,
      stdout: '[]\n',
      stderr: 'Error response from daemon: no such image: sha256:00\n',
    }),
    differs('20.10 says first that there is no such image', 'image inspect sha256:', {
      code: 1,
      stdout: '[]\n',
      stderr: 'Error response from daemon: invalid reference format\n',
    }),
    'tag sha256:00 x:1',
    'history sha256:00',
    list(''),
  ),
];
