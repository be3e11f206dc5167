import { createHash } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { ProgressLine } from '../registry/contract.ts';
import { Counter, Progress } from '../registry/progress.ts';
import { typeBits } from '../store/tar-header.ts';
import { readHostNames } from '../sys/host-names.ts';
import { Spool } from './context.ts';
import type { CopySource } from './copy-sources.ts';
import { failed } from './errors.ts';
import { headerHash } from './file-hash.ts';
import type { WebAnswer } from './job.ts';
import { SourceTree } from './source-tree.ts';
import type { StageContext } from './stage.ts';

export const isAddress = (source: string): boolean => /^https?:\/\//.test(source);

/**
 * What an address gives, as a file that ADD copies. Its name comes from the address, else from the server.
 * @throws invalid or unavailable in dockerd's words, or for another digest than is said
 */
export async function download(
  address: string,
  options: { readonly destination: string; readonly checksum: string | undefined; readonly stage: StageContext },
): Promise<CopySource> {
  const { stage, checksum } = options;
  const { job, signal, output } = stage;
  const answer = await job.parts.fetch(address, signal);
  if (answer.status >= 400) throw await refused(address, answer);
  const name = nameOf(address, answer);
  if (name === '' && options.destination.endsWith('/')) {
    answer.body.destroy();
    throw failed(`cannot determine filename for source ${address}`);
  }
  const spool = new Spool(await job.workspace.spool());
  const digest = createHash('sha256');
  const body = counted(answer, (line) => output.progress(line));
  const stored = await spool.keep(body, { hash: digest, name: address });
  await spool.flush();
  output.stdout('\n');
  const found = `sha256:${digest.digest('hex')}`;
  if (checksum !== undefined && checksum !== found) throw failed(`digest mismatch ${found}: ${checksum}`);
  const size = stored.reduce((sum, { length }) => sum + length, 0);
  const path = name || unnamed;
  const mode = 0o600;
  const names = await readHostNames();
  const header = {
    name: path,
    mode: typeBits.file | mode,
    uid: 0,
    gid: 0,
    size,
    flag: '0',
    link: '',
    major: 0,
    minor: 0,
  };
  const sum = headerHash({ ...header, xattrs: new Map(), names: { user: names.user(0), group: names.group(0) } });
  for await (const piece of spool.read(stored)) if (!('hole' in piece)) sum.update(piece);
  const hash = sum.digest('hex');
  const tree = new SourceTree();
  tree.set(path, {
    ...{ type: 'file', mode, uid: 0, gid: 0, size, link: '', major: 0, minor: 0, xattrs: new Map() },
    mtime: { seconds: modified(answer), nanoseconds: 0 },
    hash: async () => hash,
    body: () => spool.read(stored),
  });
  return { tree, path, hash, isVerbatim: true };
}

/** Tells how much of it is here. */
async function* counted({ headers, body }: WebAnswer, tell: (line: ProgressLine) => void): AsyncGenerator<Buffer> {
  const total = Number(headers['content-length'] ?? 0) || 0;
  const progress = new Progress(tell);
  const count = (current: number) => progress.count('', 'Downloading', { current, total });
  const counter = new Counter(count);
  let current = 0;
  for await (const part of body) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(part);
    current += bytes.length;
    counter.at(current);
    yield bytes;
  }
  count(current);
}

const unnamed = '__unnamed__';

function nameOf(address: string, { headers }: WebAnswer): string {
  const { pathname } = new URL(address);
  if (!pathname.endsWith('/')) return posix.basename(decoded(pathname));
  const [, quotedName, name = quotedName ?? ''] =
    /;\s*filename\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(headers['content-disposition'] ?? '') ?? [];
  return name.endsWith('/') ? '' : posix.basename(name);
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Seconds since the epoch; without a date the epoch itself. */
function modified({ headers }: WebAnswer): number {
  const time = Date.parse(headers['last-modified'] ?? '');
  return Number.isNaN(time) ? 0 : Math.floor(time / 1000);
}

const longestReason = 1 << 16;

async function refused(address: string, { status, body }: WebAnswer): Promise<Error> {
  const text = await beginningOf(body);
  return failed(`failed to GET ${address} with status ${status} ${STATUS_CODES[status] ?? ''}: ${text.trim()}`);
}

async function beginningOf(body: Readable): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    if (!Buffer.isBuffer(part)) continue;
    parts.push(part);
    size += part.length;
    if (size > longestReason) break;
  }
  return Buffer.concat(parts).toString('utf8');
}
