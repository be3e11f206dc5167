import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { hostPrograms, type Programs } from './host-programs.ts';

/** What `makeStarterImage` names its image. */
export const starterImage = 'porthole/starter:latest';

/**
 * A small image to begin with, as a docker-archive, made of this machine's own programs: nothing is downloaded. It has
 * three layers, so that there is something to explore, and a command that runs until it is stopped. The same programs
 * give the same bytes.
 */
export async function makeStarterImage(): Promise<Buffer> {
  const programs = await hostPrograms();
  const layers = [
    { instruction: `COPY ${programs.origin} /`, tar: await tarOf(baseFiles(programs)) },
    {
      instruction: 'RUN edit /etc/motd; write /usr/share/porthole/tour.txt; rm /etc/draft.conf',
      tar: await tarOf(changes),
    },
    { instruction: 'COPY heartbeat /usr/local/bin/', tar: await tarOf(heartbeat) },
  ];
  const config = JSON.stringify(imageConfig(layers));
  const archive: File[] = layers.map(({ tar }) => ({ name: `${hex(tar)}/layer.tar`, content: tar }));
  const manifest = [
    { Config: `${hex(config)}.json`, RepoTags: [starterImage], Layers: archive.map(({ name }) => name) },
  ];
  archive.push({ name: `${hex(config)}.json`, content: config });
  archive.push({ name: 'manifest.json', content: JSON.stringify(manifest) });
  return await tarOf(archive);
}

interface File {
  readonly name: string;
  readonly content?: Buffer | string;
  /** A symbolic link to it instead of content. */
  readonly link?: string;
  /** A name that ends with a slash is a directory. */
  readonly mode?: number;
}

/** One moment for everything: the archive depends on nothing but the programs. */
const moment = new Date('2025-01-01T00:00:00Z');

const motd = `Welcome to Porthole.

This container was put together from programs of your own machine.
It has three layers. This is the first one.

Type "exit" to leave.
`;

function baseFiles(programs: Programs): File[] {
  const fixed: File[] = [
    ...['dev/', 'etc/', 'home/', 'proc/', 'root/', 'sys/', 'usr/', 'usr/share/', 'usr/share/porthole/', 'var/'].map(
      (name) => ({ name }),
    ),
    { name: 'tmp/', mode: 0o1777 },
    { name: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n' },
    { name: 'etc/group', content: 'root:x:0:\nnogroup:x:65534:\n' },
    { name: 'etc/motd', content: motd },
    { name: 'etc/draft.conf', content: '# The next layer removes this file.\n' },
  ];
  return withParents([...fixed, ...programs.files]);
}

const changes: File[] = [
  { name: 'etc/' },
  { name: 'etc/.wh.draft.conf', content: '' },
  {
    name: 'etc/motd',
    content: motd
      .replace('This is the first one.', 'The second one changed this line,\nand removed /etc/draft.conf.')
      .replace('"exit"', '"cat /usr/share/porthole/tour.txt" for more, "exit"'),
  },
  { name: 'usr/' },
  { name: 'usr/share/' },
  { name: 'usr/share/porthole/' },
  {
    name: 'usr/share/porthole/tour.txt',
    content: `Unfold the image in the Images view: each layer shows what it added, modified and deleted.
Open /etc/motd below the second layer to see what it changed, line by line.
Right-click the container: Show Birth explains how the kernel was asked to make it.
`,
  },
];

const heartbeatScript = `#!/bin/sh
# Writes a line now and then, until it is told to stop.
trap 'echo stopping; exit 0' TERM INT
beat=0
while :; do
  beat=$((beat + 1))
  echo "heartbeat $beat"
  # A shell runs a trap only between commands: waiting can be interrupted, sleeping cannot.
  sleep 2 & wait $!
done
`;

const heartbeat: File[] = [
  { name: 'usr/' },
  { name: 'usr/local/' },
  { name: 'usr/local/bin/' },
  { name: 'usr/local/bin/heartbeat', content: heartbeatScript, mode: 0o755 },
];

function imageConfig(layers: readonly { readonly instruction: string; readonly tar: Buffer }[]): object {
  const created = moment.toISOString();
  const Cmd = ['/bin/sh', '-c', 'exec /bin/sh /usr/local/bin/heartbeat'];
  return {
    created,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {
      Cmd,
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      WorkingDir: '/',
      Labels: { 'org.opencontainers.image.title': 'Porthole starter' },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => `sha256:${hex(tar)}`) },
    history: [
      ...layers.map(({ instruction }) => ({ created, created_by: instruction, comment: 'porthole' })),
      { created, created_by: `CMD ${JSON.stringify(Cmd)}`, comment: 'porthole', empty_layer: true },
    ],
  };
}

/** Each directory once, before what is in it. */
function withParents(files: readonly File[]): File[] {
  const all = new Map(files.map((file) => [file.name, file]));
  for (const { name } of files) {
    for (let at = name.indexOf('/'); at !== -1; at = name.indexOf('/', at + 1)) {
      const parent = name.slice(0, at + 1);
      if (!all.has(parent)) all.set(parent, { name: parent });
    }
  }
  return [...all.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

async function tarOf(files: readonly File[]): Promise<Buffer> {
  const tar = pack();
  const bytes = buffer(tar);
  for (const { name, content = '', link, mode } of files) {
    if (link !== undefined) tar.entry({ name, type: 'symlink', linkname: link, mtime: moment, mode: 0o777 });
    else if (name.endsWith('/')) tar.entry({ name, type: 'directory', mtime: moment, mode: mode ?? 0o755 });
    else tar.entry({ name, mtime: moment, mode: mode ?? 0o644 }, content);
  }
  tar.finalize();
  return await bytes;
}

const hex = (data: Buffer | string): string => createHash('sha256').update(data).digest('hex');
