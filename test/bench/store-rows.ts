import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type TarItem, writeTar } from '../../src/agent/store/tar-writer.ts';
import { Random } from '../fuzz/random.ts';
import { timed } from './measure.ts';
import { must, type Place, type Places } from './places.ts';
import type { Row } from './rows.ts';

const goals = { loadShare: 0.5, mostMemory: 200 };
const patience = 1_800_000;

/** Loading what is large, and what the agent needs for it. @param dir for the archives */
export async function storeRows(places: Places, { dir }: { readonly dir: string }): Promise<Row[]> {
  const large = join(dir, 'large.tar');
  await writeArchive(large, { name: 'bench/large:1', files: 20_000, size: 15_000, directory: 100 });
  const rows: Row[] = [];
  const [ours, memory] = await peakOf(places.agentPid, () => loads(places.ours, large, 'bench/large:1'));
  const theirs = await loads(places.theirs, large, 'bench/large:1');
  rows.push({
    what: 'docker load, 300 MB in 20,000 files',
    unit: 's',
    ours: ours / 1_000,
    other: { figure: theirs / 1_000, whose: 'dockerd' },
    goal: { share: goals.loadShare },
  });
  const goal = { most: goals.mostMemory };
  rows.push({ what: 'the agent meanwhile, RSS at most', unit: 'MiB', ours: memory, goal });
  await rm(large);
  const many = join(dir, 'many.tar');
  await writeArchive(many, { name: 'bench/many:1', files: 990_000, size: 0, directory: 200 });
  const [, most] = await peakOf(places.agentPid, () => loads(places.ours, many, 'bench/many:1'));
  rows.push({ what: 'the agent at a layer of 990,000 files, RSS at most', unit: 'MiB', ours: most, goal });
  await rm(many);
  return rows;
}

/** The shortest of two: the first finds no layer, and so does the second. */
async function loads(place: Place, archive: string, name: string): Promise<number> {
  const took: number[] = [];
  for (let round = 0; round < 2; round++) {
    took.push(await timed(() => must(place, ['load', '-q', '-i', archive], patience)));
    await must(place, ['rmi', name], patience);
  }
  return Math.min(...took);
}

/** @returns what the task gave, and the most MiB that the process had resident meanwhile */
async function peakOf<T>(pid: number, task: () => Promise<T>): Promise<[T, number]> {
  // The peak is counted anew from here on, see proc_pid_clear_refs(5).
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  const result = await task();
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return [result, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024];
}

interface Shape {
  readonly name: string;
  readonly files: number;
  /** Bytes of each file. */
  readonly size: number;
  /** Files per directory. */
  readonly directory: number;
}

/** A docker-archive of one layer, made without having it in memory. */
async function writeArchive(path: string, shape: Shape): Promise<void> {
  const layer = `${path}.layer`;
  const hash = createHash('sha256');
  const hashed = async function* () {
    for await (const chunk of writeTar(filesOf(shape))) {
      hash.update(chunk);
      yield chunk;
    }
  };
  await pipeline(hashed, createWriteStream(layer));
  const digest = hash.digest('hex');
  const rootfs = { type: 'layers', diff_ids: [`sha256:${digest}`] };
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'] }, rootfs });
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [shape.name], Layers: [`${digest}/layer.tar`] }]);
  const { size } = await stat(layer);
  const items = async function* (): AsyncGenerator<TarItem> {
    yield { ...plain, name: `${digest}/layer.tar`, size, body: () => createReadStream(layer) };
    yield document('config.json', config);
    yield document('manifest.json', manifest);
  };
  await pipeline(writeTar(items()), createWriteStream(path));
  await rm(layer);
}

async function* filesOf({ files, size, directory }: Shape): AsyncGenerator<TarItem> {
  const random = new Random(1);
  // Half of it can be compressed, as of what is installed in most images.
  const content = Buffer.concat([random.bytes(Math.ceil(size / 2)), Buffer.alloc(Math.floor(size / 2), 'text ')]);
  for (let number = 0; number < files; number++) {
    const name = `usr/share/directory${Math.floor(number / directory)}/some-file-name-${number}.txt`;
    const head = Buffer.from(`${number}\n`);
    yield {
      ...{ ...plain, name, size },
      body: async function* () {
        yield head;
        yield content.subarray(head.length);
      },
    };
  }
}

const plain = {
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
  link: '',
  major: 0,
  minor: 0,
  xattrs: new Map<string, Buffer>(),
} as const;

function document(name: string, text: string): TarItem {
  const data = Buffer.from(text);
  return {
    ...{ ...plain, name, size: data.length },
    body: async function* () {
      yield data;
    },
  };
}
