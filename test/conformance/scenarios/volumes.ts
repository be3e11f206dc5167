import { sorted } from '../lines.ts';
import { differs, type Line, quiet, type Scenario, scenario, seenAs, shell, withEvents } from '../scenario.ts';

const mountsOf = (name: string) =>
  seenAs(
    sorted,
    `inspect -f '{{range .Mounts}}{{.Type}} {{.Name}} {{.Destination}} {{.Driver}} [{{.Mode}}] {{.RW}} [{{.Propagation}}]{{"\\n"}}{{end}}' ${name}`,
  );
/** Directories of the engines. */
const places = (text: string) =>
  text
    .replace(/\/\S+\/data\/volumes/g, 'VOLUMES')
    .replace(/\/\S+\/data\/(containers\/ID\/rootfs|overlay2\/ID\/merged)/g, 'ROOT');

/**
 * What differs between versions and runs of dockerd: 20.10 announces the creation of a volume that is there already; what
 * happens to several volumes of one container has the order of a Go map.
 */
function volumeEvents(text: string): string {
  const there = new Set<string>();
  const groups: { readonly kind: string; readonly lines: string[] }[] = [];
  for (const line of text.split('\n')) {
    const [, action = '', name = ''] = /^volume (\w+) (\S+)/.exec(line) ?? [];
    if (action === 'create' && there.has(name)) continue;
    if (action === 'create') there.add(name);
    if (action === 'destroy') there.delete(name);
    const last = groups.at(-1);
    if (action !== '' && last?.kind === action) last.lines.push(line);
    else groups.push({ kind: action, lines: [line] });
  }
  return groups.flatMap(({ kind, lines }) => (kind === '' ? lines : lines.sort())).join('\n');
}
const told = (name: string, ...lines: readonly Line[]) =>
  withEvents({ normalize: volumeEvents }, scenario(name, ...lines));

/** Volumes in containers, and what their driver mounts; their own commands are in `volume.ts`. */
export const volumeLifeScenarios: readonly Scenario[] = [
  told(
    'volume create with options of the driver',
    'volume create -o foo=bar oo',
    'volume create -o type=tmpfs oo',
    'volume create -o device=/x oo',
    'volume create -o o=size=1m oo',
    'volume create -o size=10m oo',
    'volume create -o size=much oo',
    'volume create -o type=tmpfs -o device=tmpfs -o o=size=1m,uid=5,mode=710 ram',
    `volume inspect -f '{{json .Options}}' ram`,
    `run --rm -v ram:/r busybox sh -c 'stat -c "%a %u" /r; df -k /r | tail -1 | tr -s " " | cut -d" " -f2'`,
    'run --name keeps -v ram:/r busybox touch /r/f',
    'start -a keeps',
    'run --rm -v ram:/r busybox ls /r',
    'rm keeps',
    'volume rm ram',
  ),
  withEvents(
    {
      differs: {
        why: '20.10 announces that it unmounts what it could not mount',
        ours: [
          'volume create lost driver=local',
          'container create #0 image=busybox name=bad',
          'container attach #0 image=busybox name=bad',
          'container destroy #0 image=busybox name=bad',
          'volume destroy lost driver=local',
        ],
      },
    },
    scenario(
      'a volume whose device cannot be mounted',
      quiet('volume create -o type=none -o o=bind -o device=/no/such/place lost'),
      seenAs(places, 'run --name bad -v lost:/x busybox true'),
      seenAs(places, `inspect -f '{{.State.Status}} {{.State.Error}}' bad`),
      quiet('rm bad'),
      quiet('volume rm lost'),
    ),
  ),
  told(
    'named volumes in containers',
    `run --rm -v data:/d busybox sh -c 'echo kept > /d/f'`,
    'run --rm -v data:/d:ro busybox cat /d/f',
    `run --rm -v data:/d:ro busybox touch /d/g`,
    'run --rm --mount type=volume,source=data,target=/d,readonly busybox ls /d',
    'run --rm --mount type=volume,target=/d,readonly busybox true',
    'run --rm -v data:/d:nonsense busybox true',
    'run --rm -v data:/d:ro,rw busybox true',
    'run --rm -v data:/d:rshared busybox true',
    'run --rm -v data:relative busybox true',
    'run --rm -v data:/ busybox true',
    'run --rm -v data:/d --tmpfs /d busybox true',
    'run --rm -v data:/d --mount type=tmpfs,target=/d busybox true',
    'create --name both -v data:/a -v data:/b:ro,z --mount type=volume,source=data,target=/c busybox true',
    mountsOf('both'),
    `ps -a --filter volume=data --format '{{.Names}} {{.Mounts}} {{.LocalVolumes}}'`,
    `ps -a --filter volume=/b --format '{{.Names}}'`,
    quiet('rm both'),
    quiet('volume rm data'),
  ),
  told(
    'a new volume is filled from the image',
    `run --rm -v etc:/etc busybox sh -c 'cat /etc/motd; stat -c "%a %u:%g" /etc'`,
    `run --rm -v etc:/x busybox sh -c 'cat /x/motd; echo changed > /x/motd'`,
    'run --rm -v etc:/etc busybox cat /etc/motd',
    'run --rm -v bare:/etc/x:nocopy busybox ls /etc/x',
    'run --rm --mount type=volume,source=bare2,target=/home,volume-nocopy,volume-label=x=y busybox ls /home',
    `volume inspect -f '{{json .Labels}}' bare2`,
    seenAs(places, 'create -v /etc/motd busybox true'),
    seenAs(places, 'create -v over:/etc/motd busybox true'),
    quiet('volume rm etc bare bare2 over'),
  ),
  told(
    '--volumes-from',
    quiet(shell('mkdir data; echo host > data/f')),
    quiet('create --name lender -v data:/d:ro -v /anon -v ./data:/h busybox true'),
    'create --name rw --volumes-from lender busybox true',
    mountsOf('rw'),
    'create --name ro --volumes-from lender:ro -v other:/anon busybox true',
    mountsOf('ro'),
    `run --rm --volumes-from lender busybox sh -c 'cat /h/f; touch /h/made /anon/made; touch /d/x'`,
    'create --volumes-from lender:nonsense busybox true',
    'create --volumes-from lender:rshared busybox true',
    `inspect -f '{{json .HostConfig.VolumesFrom}}' rw`,
    differs('20.10 forgets that whoever is lent a volume holds it too', 'volume rm data', {
      code: 1,
      stderr: 'Error response from daemon: remove data: volume is in use - [ID, ID, ID]\n',
    }),
    'rm -v rw',
    'rm -v ro',
    'rm -v lender',
    seenAs(sorted, 'volume ls -q'),
    quiet('volume rm data other'),
  ),
  told(
    'volumes in system df',
    quiet(`run --name user -v sized:/s busybox sh -c 'echo 12345 > /s/f; ln /s/f /s/g; ln -s f /s/l'`),
    shell(
      `docker system df --format '{{.Type}} {{.TotalCount}} {{.Active}} {{.Size}} {{.Reclaimable}}' | grep Volumes`,
    ),
    quiet('rm user'),
    shell('docker system df -v | grep -A2 "VOLUME NAME"'),
    quiet('volume rm sized'),
  ),
];
