import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, lstat, lutimes, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as v from 'valibot';

/**
 * A build to be done by every engine: a directory of `fixtures` with a Dockerfile and its context.
 * Three of its files are not part of the context:
 * - `args.json`: how it is built;
 * - `prepare`: a shell script that makes, in a copy of the context, what git does not keep (modes, hard links, archives);
 * - `expected`: what comes of it, as `outcome.ts` writes it.
 */
export interface Fixture {
  readonly name: string;
  readonly directory: string;
  readonly options: v.InferOutput<typeof Options>;
}

const Options = v.strictObject({
  /** For `docker build`; `{server}` stands for the address of the file server. */
  flags: v.optional(v.array(v.string()), []),
  /** What is built: a directory of the copy, or '-' with `input`. */
  context: v.optional(v.string(), '.'),
  /** The file of the copy that is standard input. */
  input: v.optional(v.string()),
  /** With the build cache, for what a build may find of itself. Others never look at it: any of them may run first. */
  cache: v.optional(v.boolean(), false),
});

const home = fileURLToPath(new URL('fixtures/', import.meta.url));
const notContext = ['args.json', 'prepare', 'expected'];
/** Of every file of a context: COPY keeps it, so that it can be told from the time of the build. */
export const contextTime = new Date('2023-11-14T22:13:20Z');

/** Every fixture by name. */
export function findFixtures(): Fixture[] {
  return readdirSync(home)
    .sort()
    .map((name) => {
      const directory = join(home, name);
      const args = join(directory, 'args.json');
      const options = v.parse(Options, existsSync(args) ? JSON.parse(readFileSync(args, 'utf8')) : {});
      return { name, directory, options };
    });
}

export const expectationOf = ({ directory }: Fixture): string => join(directory, 'expected');

/** A context on disk, made afresh. */
export interface PreparedContext {
  readonly path: string;
  remove(): Promise<void>;
}

/** Copies a fixture's context; modes and times are the same whatever the umask and the time of the checkout. */
export async function prepareContext({ directory }: Fixture): Promise<PreparedContext> {
  const place = await mkdtemp(join(tmpdir(), 'porthole-fixture-'));
  const remove = () => rm(place, { recursive: true, force: true });
  try {
    const path = join(place, 'context');
    await cp(directory, path, { recursive: true, verbatimSymlinks: true });
    const script = join(place, 'prepare');
    if (existsSync(join(path, 'prepare'))) await rename(join(path, 'prepare'), script);
    for (const name of notContext) await rm(join(path, name), { force: true });
    await settle(path);
    if (existsSync(script)) {
      await promisify(execFile)('sh', ['-e', '-u', script], {
        cwd: path,
        env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      });
    }
    await settle(path, { modes: false });
    return { path, remove };
  } catch (failure) {
    await remove();
    throw failure;
  }
}

async function settle(path: string, { modes = true } = {}): Promise<void> {
  const status = await lstat(path);
  if (status.isDirectory()) for (const name of await readdir(path)) await settle(join(path, name), { modes });
  const executable = status.isDirectory() || (status.mode & 0o100) !== 0;
  if (modes && !status.isSymbolicLink()) await chmod(path, executable ? 0o755 : 0o644);
  await lutimes(path, contextTime, contextTime);
}
