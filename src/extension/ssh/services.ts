/** What the SSH code asks of its surroundings. In VS Code these are input boxes, SecretStorage and a log channel. */
export interface SshServices {
  readonly prompts: SshPrompts;
  readonly secrets: SecretStore;
  readonly log: Log;
}

export interface SshPrompts {
  /** True: trust this key from now on. False or a closed question: do not connect. */
  confirmHostKey(question: HostKeyQuestion, signal: AbortSignal): Promise<boolean>;
  /** Undefined when the user closed the question. */
  askSecret(question: SecretQuestion, signal: AbortSignal): Promise<SecretAnswer | undefined>;
}

export interface HostKeyQuestion {
  /** As it will be written to known_hosts: `web` or `[web]:2222`. */
  readonly host: string;
  /** For example `ssh-ed25519`. */
  readonly keyType: string;
  /** `SHA256:...`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  /** Types of keys that are on record for this host; not empty is worth a warning. */
  readonly knownTypes: readonly string[];
}

export interface SecretQuestion {
  readonly kind: 'password' | 'passphrase' | 'answer';
  /** Whose: `user@host`, or the key file. */
  readonly subject: string;
  /** One line: what is asked, the server's own words for an answer. */
  readonly prompt: string;
  /** May what is typed be seen? */
  readonly echo: boolean;
  /** The one given before was wrong. */
  readonly again: boolean;
}

export interface SecretAnswer {
  readonly value: string;
  /** Keep it in the secret store once it proved right. */
  readonly remember: boolean;
}

/** The part of VS Code's SecretStorage that is used. */
export interface SecretStore {
  get(key: string): PromiseLike<string | undefined>;
  store(key: string, value: string): PromiseLike<void>;
  delete(key: string): PromiseLike<void>;
}

/** The part of VS Code's LogOutputChannel that is used. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}
