import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { PortholeError } from '../../base/errors.ts';
import { phrase } from '../../base/phrases.ts';

/** What an engine passes on to a registry; docker-modem makes the header X-Registry-Auth of it. */
export type RegistryCredentials =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

/** Under this name `docker login` keeps what is for Docker Hub. */
const hub = 'https://index.docker.io/v1/';

const Config = v.object({
  auths: v.optional(
    v.record(v.string(), v.object({ auth: v.optional(v.string()), identitytoken: v.optional(v.string()) })),
  ),
  credHelpers: v.optional(v.record(v.string(), v.string())),
  credsStore: v.optional(v.string()),
});
type Config = v.InferOutput<typeof Config>;

const Answer = v.object({ Username: v.string(), Secret: v.string() });

export interface CredentialPlaces {
  /** Directory of config.json; default: DOCKER_CONFIG, else ~/.docker. */
  readonly directory?: string;
  readonly signal: AbortSignal;
}

/**
 * What `docker login` has kept on this computer for the registry of an image: in the configuration file, or with the credential
 * helper that it names. Undefined: nothing, which for many images is enough.
 * @throws invalid for a file that is no configuration, and when a helper fails.
 */
export async function credentialsFor(
  reference: string,
  { directory = process.env['DOCKER_CONFIG'] ?? join(homedir(), '.docker'), signal }: CredentialPlaces,
): Promise<RegistryCredentials | undefined> {
  const config = await readConfig(join(directory, 'config.json'));
  if (!config) return undefined;
  const registry = registryOf(reference);
  const helper = config.credHelpers?.[registry] ?? config.credsStore;
  const serveraddress = registry === 'docker.io' ? hub : registry;
  if (helper !== undefined) return ask(helper, serveraddress, signal);
  const kept = Object.entries(config.auths ?? {}).find(([server]) => hostOf(server) === registry)?.[1];
  if (kept?.identitytoken) return { identitytoken: kept.identitytoken, serveraddress };
  if (!kept?.auth) return undefined;
  const [username = '', ...rest] = Buffer.from(kept.auth, 'base64').toString('utf8').split(':');
  // Old versions of docker filled the end with NUL.
  return { username, password: rest.join(':').replace(/\0+$/, ''), serveraddress };
}

/** The registry of an image's name, as Docker reads it: a first part with a dot or a port, or localhost. */
export function registryOf(reference: string): string {
  const first = reference.includes('/') ? (reference.split('/')[0] ?? '') : '';
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  return isHost && first !== 'index.docker.io' ? first : 'docker.io';
}

/** Keys of `auths` are addresses with or without a scheme and a path. */
function hostOf(server: string): string {
  const host = server.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return host === 'index.docker.io' ? 'docker.io' : host;
}

async function readConfig(path: string): Promise<Config | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (failure) {
    if (failure instanceof Error && 'code' in failure && failure.code === 'ENOENT') return undefined;
    throw failure;
  }
  const config = v.safeParse(v.pipe(v.string(), v.parseJson(), Config), text);
  if (!config.success) throw new PortholeError('invalid', phrase('{0} is no docker configuration', path));
  return config.output;
}

/** The protocol of docker's credential helpers: the server's address in, one JSON object out. */
function ask(helper: string, server: string, signal: AbortSignal): Promise<RegistryCredentials | undefined> {
  // The name comes out of a file and becomes part of a program's name.
  if (!/^[\w.-]+$/.test(helper)) {
    throw new PortholeError('invalid', phrase('"{0}" is no name of a credential helper', helper));
  }
  return new Promise((resolve, reject) => {
    const program = `docker-credential-${helper}`;
    const child = execFile(program, ['get'], { signal, timeout: 60_000 }, (failure, stdout) => {
      const answer = v.safeParse(v.pipe(v.string(), v.parseJson(), Answer), stdout);
      if (!failure && answer.success) {
        const { Username, Secret } = answer.output;
        resolve(
          Username === '<token>'
            ? { identitytoken: Secret, serveraddress: server }
            : { username: Username, password: Secret, serveraddress: server },
        );
      } else if (/credentials not found/i.test(stdout)) resolve(undefined);
      else
        reject(
          new PortholeError(
            'invalid',
            phrase('{0} gave no credentials: {1}', program, stdout.trim() || String(failure?.message ?? '')),
          ),
        );
    });
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(server);
  });
}
