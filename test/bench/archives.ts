import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { type TarItem, writeTar } from '../../src/agent/store/tar-writer.ts';
import { Random } from '../fuzz/random.ts';

export interface LayerShape {
  /** Number of the first file: another layer with the same numbers has the same names, and other content. */
  readonly from: number;
  readonly files: number;
  /** Bytes of each file. */
  readonly size: number;
  /** Files per directory. */
  readonly directory: number;
  /** Lines that another layer has otherwise; else half of it is noise. */
  readonly text?: true;
}

/** Writes a docker-archive, without ever having one of its layers in memory. */
export async function writeArchive(
  path: string,
  {
    name,
    layers,
    signal,
  }: { readonly name: string; readonly layers: readonly LayerShape[]; readonly signal: AbortSignal },
): Promise<void> {
  const written: { path: string; digest: string; size: number }[] = [];
  for (const [position, shape] of layers.entries()) {
    const layer = `${path}.layer-${position}`;
    const hash = createHash('sha256');
    const hashed = async function* () {
      for await (const chunk of writeTar(filesOf(shape, position + 1))) {
        hash.update(chunk);
        yield chunk;
      }
    };
    await pipeline(hashed, createWriteStream(layer), { signal });
    written.push({ path: layer, digest: hash.digest('hex'), size: (await stat(layer)).size });
  }
  const rootfs = { type: 'layers', diff_ids: written.map(({ digest }) => `sha256:${digest}`) };
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Cmd: ['sh'] }, rootfs });
  const Layers = written.map(({ digest }) => `${digest}/layer.tar`);
  const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers }]);
  const items = async function* (): AsyncGenerator<TarItem> {
    for (const layer of written) {
      const body = () => createReadStream(layer.path, { highWaterMark: 1 << 18 });
      yield { ...plain, name: `${layer.digest}/layer.tar`, size: layer.size, body };
    }
    yield document('config.json', Buffer.from(config));
    yield document('manifest.json', Buffer.from(manifest));
  };
  await pipeline(writeTar(items()), createWriteStream(path), { signal });
  for (const layer of written) await rm(layer.path);
}

async function* filesOf({ from, files, size, directory, text }: LayerShape, seed: number): AsyncGenerator<TarItem> {
  const random = new Random(seed);
  // Half of it can be compressed, as of what is installed in most images.
  const content = text
    ? linesOf(size, seed)
    : Buffer.concat([random.bytes(Math.ceil(size / 2)), Buffer.alloc(Math.floor(size / 2), 'text ')]);
  for (let number = from; number < from + files; number++) {
    const name = `usr/share/directory${Math.floor(number / directory)}/some-file-name-${number}.txt`;
    const head = Buffer.from(`${number}\n`);
    yield {
      ...{ ...plain, name, size },
      body: async function* () {
        if (size === 0) return;
        yield head;
        yield content.subarray(head.length);
      },
    };
  }
}

/** Every tenth line is the layer's own. */
function linesOf(size: number, seed: number): Buffer {
  const lines = Array.from({ length: Math.ceil(size / 40) }, (_, line) =>
    `${line}: ${line % 10 === 0 ? `of layer ${seed}` : 'as in the layer below'}, as long as forty bytes`.slice(0, 40),
  );
  return Buffer.from(lines.join('\n')).subarray(0, size);
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

/** A file that is held in memory. */
export function document(name: string, data: Buffer): TarItem {
  return {
    ...{ ...plain, name, size: data.length },
    body: async function* () {
      yield data;
    },
  };
}
