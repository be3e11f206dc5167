import path from 'node:path';

/** How to reach and trust one host: ~/.ssh/config boiled down to what is used. Paths are absolute. */
export interface SshSettings {
  /** The name that the user gave. */
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** Socket of the SSH agent, `pageant`, or undefined for none. */
  readonly identityAgent?: string;
  /** Hosts to go through, first hop first. */
  readonly proxyJump: readonly string[];
  readonly proxyCommand?: string;
  readonly userKnownHostsFiles: readonly string[];
  readonly globalKnownHostsFiles: readonly string[];
  readonly hostKeyAlias?: string;
  readonly hashKnownHosts: boolean;
  readonly strictHostKeyChecking: 'ask' | 'yes' | 'accept-new' | 'no';
  /** Seconds, for each of: TCP, handshake, every answer to an authentication request. */
  readonly connectTimeout: number;
  readonly allowPassword: boolean;
  readonly allowPublicKey: boolean;
  readonly allowKeyboard: boolean;
}

/** Where the words of a configuration get their meaning from. */
export interface Surroundings {
  readonly home: string;
  readonly localUser: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa'];
/** Long enough for a slow VPN; OpenSSH itself waits for the kernel, two minutes. */
const DEFAULT_TIMEOUT = 30;

/**
 * @param options keywords in lower case, as `ssh -G` prints them; a keyword that may be repeated has several values.
 */
export function settingsOf(
  alias: string,
  options: ReadonlyMap<string, readonly string[]>,
  around: Surroundings,
): SshSettings {
  const first = (key: string) => options.get(key)?.[0];
  const yes = (key: string, otherwise: boolean) => {
    const value = first(key)?.toLowerCase();
    return value === undefined ? otherwise : value === 'yes' || value === 'true';
  };
  const port = Number(first('port') ?? 22);
  const user = first('user') ?? around.localUser;
  const rawHost = first('hostname') ?? alias;
  const hostName = rawHost.replaceAll('%h', alias).replaceAll('%n', alias).replaceAll('%%', '%');
  const tokens: Tokens = { alias, hostName, port, user, around };
  const file = (value: string) => absolute(expand(value, tokens), around);
  const files = (key: string, defaults: readonly string[]) =>
    (options.get(key)?.flatMap(splitWords) ?? defaults).filter((one) => one.toLowerCase() !== 'none').map(file);

  const proxyJump = first('proxyjump');
  const proxyCommand = first('proxycommand');
  const hostKeyAlias = first('hostkeyalias');
  const identityAgent = agentSocket(first('identityagent'), tokens);
  const timeout = Number(first('connecttimeout'));
  const given = options.get('identityfile');
  return {
    alias,
    hostName,
    port,
    user,
    identityFiles: (given ?? DEFAULT_IDENTITIES.map((name) => `~/.ssh/${name}`))
      .filter((one) => one.toLowerCase() !== 'none')
      .map((one) => file(unquoted(one))),
    identitiesOnly: yes('identitiesonly', false),
    ...(identityAgent !== undefined && { identityAgent }),
    proxyJump: isSet(proxyJump) ? proxyJump.split(',').map((hop) => hop.trim()) : [],
    ...(isSet(proxyCommand) && !isSet(proxyJump) && { proxyCommand: expand(proxyCommand, tokens) }),
    userKnownHostsFiles: files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
    globalKnownHostsFiles: files('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
    ...(isSet(hostKeyAlias) && { hostKeyAlias }),
    hashKnownHosts: yes('hashknownhosts', false),
    strictHostKeyChecking: strictness(first('stricthostkeychecking')),
    connectTimeout: Number.isFinite(timeout) && timeout > 0 ? timeout : DEFAULT_TIMEOUT,
    allowPassword: yes('passwordauthentication', true),
    allowPublicKey: first('pubkeyauthentication')?.toLowerCase() !== 'no' && first('pubkeyauthentication') !== 'false',
    allowKeyboard: yes('kbdinteractiveauthentication', yes('challengeresponseauthentication', true)),
  };
}

interface Tokens {
  readonly alias: string;
  readonly hostName: string;
  readonly port: number;
  readonly user: string;
  readonly around: Surroundings;
}

const isSet = (value: string | undefined): value is string =>
  value !== undefined && value.toLowerCase() !== 'none' && value !== '';

function strictness(value: string | undefined): SshSettings['strictHostKeyChecking'] {
  switch (value?.toLowerCase()) {
    case 'yes':
    case 'true':
      return 'yes';
    case 'accept-new':
      return 'accept-new';
    case 'no':
    case 'off':
    case 'false':
      return 'no';
    default:
      return 'ask';
  }
}

/** ssh_config(5), IdentityAgent: a path, `none`, `SSH_AUTH_SOCK`, or `$NAME` of an environment variable. */
function agentSocket(value: string | undefined, tokens: Tokens): string | undefined {
  const { env, platform } = tokens.around;
  if (value === undefined || value === 'SSH_AUTH_SOCK') {
    return env['SSH_AUTH_SOCK'] || (platform === 'win32' ? String.raw`\\.\pipe\openssh-ssh-agent` : undefined);
  }
  const plain = unquoted(value);
  if (plain.toLowerCase() === 'none') return undefined;
  const variable = /^\$(\w+)$/.exec(plain)?.[1];
  if (variable !== undefined) return env[variable] || undefined;
  if (plain === 'pageant' || plain.startsWith(String.raw`\\.\pipe`)) return plain;
  return absolute(expand(plain, tokens), tokens.around);
}

/** The tokens of ssh_config(5) that make sense without an open connection, and ${NAME}. */
function expand(text: string, { alias, hostName, port, user, around }: Tokens): string {
  const values: Record<string, string> = {
    '%': '%',
    d: around.home,
    h: hostName,
    n: alias,
    p: String(port),
    r: user,
    u: around.localUser,
  };
  return text
    .replace(/%(.)/g, (all, letter: string) => values[letter] ?? all)
    .replace(/\$\{(\w+)\}/g, (all, name: string) => around.env[name] ?? all);
}

function absolute(file: string, around: Surroundings): string {
  const known = file === '~' || /^~[/\\]/.test(file) ? path.join(around.home, file.slice(1)) : file;
  return path.isAbsolute(known) ? known : path.join(around.home, '.ssh', known);
}

const unquoted = (text: string): string => text.replace(/^"(.*)"$/, '$1');

/** Words separated by blanks, quotes kept together. */
const splitWords = (text: string): string[] => (text.match(/"[^"]*"|\S+/g) ?? []).map(unquoted);
