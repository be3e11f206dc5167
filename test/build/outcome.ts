import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { readTar, type TarEntry } from '../../src/agent/store/tar.ts';
import { command, type Engine, socketOf } from '../conformance/engine.ts';
import { normalized } from '../conformance/normalized.ts';
import { ask } from '../support/agent.ts';
import { type Fixture, prepareContext } from './fixture.ts';
import type { BuildPlace } from './places.ts';

/** What comes of a build, each part as lines. Only `exit`, `stdout` and `stderr` when there is no image. */
export type Outcome = ReadonlyMap<Section, readonly string[]>;

export const sections = ['exit', 'stdout', 'stderr', 'config', 'history', 'layers'] as const;
export type Section = (typeof sections)[number];

/** Where a fixture is built. */
export interface Place extends BuildPlace {
  /** Address of the file server, without a slash at its end. */
  readonly server: string;
}

/** Builds a fixture on every engine, from one context. */
export async function buildEverywhere(fixture: Fixture, places: readonly Place[]): Promise<Outcome[]> {
  const context = await prepareContext(fixture);
  try {
    return await Promise.all(places.map((place) => build(fixture, context.path, place)));
  } finally {
    await context.remove();
  }
}

async function build({ name, options }: Fixture, cwd: string, place: Place): Promise<Outcome> {
  const tag = `fixture/${name}`;
  const flags = options.flags.map((flag) => flag.replaceAll('{server}', place.server));
  const words = ['docker', 'build', ...(options.cache ? [] : ['--no-cache']), '-t', tag, ...flags];
  const context = options.context.replaceAll('{server}', place.server);
  const line =
    options.input === undefined
      ? [...words, context]
      : ['sh', '-c', 'input=$1; shift; exec "$@" <"$input"', 'sh', options.input, ...words, context];
  const { code, stdout, stderr } = await command(line, { engine: place.engine, cwd, timeoutMs: 90_000 });
  const clean = (text: string) => wordsOf(normalized(text, place.engine, { [place.server]: 'SERVER', [cwd]: 'CWD' }));
  const said: [Section, string[]][] = [
    ['exit', [`${code}`]],
    ['stdout', clean(stdout)],
    ['stderr', clean(stderr)],
  ];
  const inspected = await ask(socketOf(place.engine), 'GET', `/v1.41/images/${tag}/json`);
  if (inspected.status !== 200) return new Map(said);
  const image: Inspected = JSON.parse(inspected.body);
  // dockerd 20.10 cannot save an image without a layer.
  const isEmpty = (image.RootFS.Layers ?? []).length === 0;
  return new Map([
    ...said,
    ['config', configLines(image).flatMap(clean)],
    ['history', (await historyLines(place.engine, tag)).flatMap(clean)],
    ['layers', isEmpty ? [] : await layerLines(place, tag)],
  ]);
}

const byTheClient = [
  /^DEPRECATED: The legacy builder is deprecated and will be removed in a future release\.$/,
  /^ {12}(BuildKit is currently disabled; enable it by removing the DOCKER_BUILDKIT=0|environment-variable\.)$/,
  /^Sending build context to Docker daemon/,
  /^Downloading /,
];

/** Lines without what the `docker` command itself says of every build, and without progress bars. */
function wordsOf(text: string): string[] {
  return (
    text
      // Two writes to standard error may come as one.
      .replaceAll('\x1b[0m\x1b[91m', '')
      .split('\n')
      .map((line) => line.replace(/^.*\r(?=.)/, '').trimEnd())
      .map((line) => line.replace(/(?<=One or more build-args \[)[^\]]*/, (names) => names.split(' ').sort().join(' ')))
      .filter((line) => line !== '' && !byTheClient.some((pattern) => pattern.test(line)))
      .map(visible)
      .map((line) => line.replace(/(.)\1{199,}/g, (run, of) => `${of}*${run.length}`))
  );
}

const visible = (text: string): string =>
  text.replaceAll('\x1b', '<ESC>').replace(/[^\P{Cc}\t]/gu, (odd) => `<${odd.codePointAt(0)}>`);

interface Inspected {
  readonly RootFS: { readonly Layers?: readonly string[] | null };
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Author: string;
  readonly Comment: string;
  readonly Os: string;
  readonly Architecture: string;
}

/** Everything of the config that is not at its zero value. */
function configLines({ Config, Author, Comment, Os, Architecture }: Inspected): string[] {
  return Object.entries({ Author, Comment, Os, Architecture, ...Config })
    .filter(([, value]) => !['""', 'false', 'null', '0'].includes(JSON.stringify(value)))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}: ${JSON.stringify(sorted(value))}`);
}

/** Objects with their names in order: to JSON they have none. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface HistoryEntry {
  readonly CreatedBy: string;
  readonly Comment: string;
  readonly Size: number;
}

/** The newest instruction first, as `docker history` has it, down to the base image. */
async function historyLines(engine: Engine, tag: string): Promise<string[]> {
  const entries: HistoryEntry[] = JSON.parse((await ask(socketOf(engine), 'GET', `/v1.41/images/${tag}/history`)).body);
  return entries
    .filter(({ Comment }) => !Comment.startsWith('Imported from'))
    .map(({ CreatedBy, Comment, Size }) => `${JSON.stringify(CreatedBy)} ${Size} ${Comment}`);
}

/** Layers from the lowest to the highest, each as its entries. */
async function layerLines({ engine, baseLayers, since }: Place, tag: string): Promise<string[]> {
  const files = new Map<string, Buffer | { readonly link: string }>();
  for await (const entry of readTar(await saved(engine, tag))) {
    if (entry.type === 'file') files.set(entry.name, await buffer(Readable.from(bytesOf(entry))));
    else if (entry.type === 'symlink') files.set(entry.name, { link: entry.link });
  }
  const document = (name: string) => JSON.parse(contentOf(files, name).toString());
  const manifest: { Config: string; Layers: string[] | null } = document('manifest.json')[0];
  const digests: string[] = document(manifest.Config).rootfs.diff_ids ?? [];
  const own = (manifest.Layers ?? []).filter((_, at) => !baseLayers.has(digests[at] ?? ''));
  const listed = await Promise.all(own.map((name) => entryLines(contentOf(files, name), since)));
  return listed.flatMap((lines, at) => [`layer ${at + 1}`, ...lines.map((line) => `  ${line}`)]);
}

/** dockerd 20.10 stores a layer once and links to it from where it is needed again. */
function contentOf(files: ReadonlyMap<string, Buffer | { readonly link: string }>, name: string): Buffer {
  const found = files.get(name);
  if (found === undefined) throw new Error(`the archive has no ${name}`);
  return Buffer.isBuffer(found) ? found : contentOf(files, found.link.replace(/^(\.\.\/)+/, ''));
}

async function saved(engine: Engine, tag: string): Promise<Readable> {
  return await new Promise((resolve, reject) => {
    request({ socketPath: socketOf(engine), path: `/v1.41/images/${tag}/get`, agent: false }, resolve)
      .once('error', reject)
      .end();
  });
}

async function* bytesOf(entry: TarEntry): AsyncGenerator<Buffer> {
  for await (const piece of entry.body()) yield Buffer.isBuffer(piece) ? piece : Buffer.alloc(piece.hole);
}

/** `path type mode uid:gid size digest time`, links and attributes behind; `now` for what the builds themselves made. Of a whiteout only what it hides counts. */
async function entryLines(layer: Buffer, since: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const entry of readTar(Readable.from([layer]))) {
    const { name, type, mode, uid, gid, size, mtime, link, major, minor, xattrs } = entry;
    const whiteout = /(^|.*\/)\.wh\.([^/]+)$/.exec(name);
    if (whiteout) {
      const [, directory = '', hidden = ''] = whiteout;
      lines.push(hidden === '.wh..opq' ? `/${directory} hides what lies below` : `/${directory}${hidden} deleted`);
      continue;
    }
    const hash = createHash('sha256');
    if (type === 'file') for await (const piece of bytesOf(entry)) hash.update(piece);
    const time = mtime.seconds >= since ? 'now' : new Date(mtime.seconds * 1000).toISOString().replace('.000', '');
    lines.push(
      [
        ...[`/${name}`, type, mode.toString(8).padStart(4, '0'), `${uid}:${gid}`],
        ...(type === 'file' ? [size, hash.digest('hex').slice(0, 12)] : []),
        ...(type === 'char' || type === 'block' ? [`${major}:${minor}`] : []),
        time,
        ...(link === '' ? [] : ['->', link]),
        ...[...xattrs].map(([attribute, value]) => `${attribute}=${value.toString('hex')}`),
      ].join(' '),
    );
  }
  return lines.map(visible).sort();
}
