import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, Prompt } from 'ssh2';
import { type Phrase, phrase } from '../../base/phrases.ts';
import type { KeyRing } from './key-ring.ts';
import { PendingSecret } from './pending-secret.ts';
import { authenticationFailed } from './problems.ts';
import type { SshServices } from './services.ts';
import type { SshSettings } from './settings.ts';

/** As often as ssh asks (NumberOfPasswordPrompts). */
const ATTEMPTS = 3;

export interface AuthenticationParts {
  readonly settings: SshSettings;
  readonly services: SshServices;
  readonly keys: KeyRing;
  readonly signal: AbortSignal;
  /** Called when nothing is left to try. */
  readonly onFailed: (problem: Error) => void;
}

/**
 * Logging in, step by step, in OpenSSH's order: keys, keyboard-interactive, password.
 *
 *     client: none      server: publickey,password      (which methods are there?)
 *     client: keys...   server: failure | success
 *     client: none      server: password                (what is left? a key may have been the first of two factors)
 *     client: password  server: failure | success
 */
export class Authentication {
  readonly #parts: AuthenticationParts;
  readonly #steps: AsyncGenerator<AnyAuthMethod, void, readonly AuthenticationType[] | null>;
  readonly #tried: (Phrase | string)[] = [];
  #accepted: readonly string[] = [];
  #password: PendingSecret | undefined;

  constructor(parts: AuthenticationParts) {
    this.#parts = parts;
    this.#steps = this.#attempts();
  }

  /** For ssh2: called after every refusal with the methods that the server still takes. */
  readonly handler: AuthHandlerMiddleware = (methodsLeft, _partial, next) => {
    if (methodsLeft) this.#accepted = methodsLeft;
    this.#steps.next(methodsLeft).then((step) => {
      if (!step.done) next(step.value);
      else this.#parts.onFailed(this.#failure());
    }, this.#parts.onFailed);
  };

  /** Keeps what the user wanted kept, now that it let us in. */
  async succeeded(): Promise<void> {
    await this.#password?.accepted();
  }

  async *#attempts(): AsyncGenerator<AnyAuthMethod, void, readonly AuthenticationType[] | null> {
    const { settings, services, keys } = this.#parts;
    const username = settings.user;
    let left = yield { type: 'none', username };
    if (settings.allowPublicKey && !keys.isEmpty && accepts(left, 'publickey')) {
      yield { type: 'agent', username, agent: keys };
      // ssh2 does not say what a refused key left open, so ask again.
      left = yield { type: 'none', username };
    }
    if (settings.allowKeyboard && accepts(left, 'keyboard-interactive')) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const round = { closed: false, asked: false, again: attempt > 0 };
        this.#note('keyboard-interactive');
        left = yield {
          type: 'keyboard-interactive',
          username,
          prompt: (name, instructions, _language, prompts, finish) => {
            round.asked = true;
            this.#answer(name, instructions, prompts, round).then(finish, () => finish([]));
          },
        };
        if (round.closed || !round.asked || !accepts(left, 'keyboard-interactive')) break;
      }
    }
    if (settings.allowPassword && accepts(left, 'password')) {
      const who = `${settings.user}@${settings.alias}`;
      this.#password = new PendingSecret(services, {
        storeAs: `ssh-password:${settings.user}@${settings.hostName}:${settings.port}`,
        kind: 'password',
        subject: who,
        prompt: `Password of ${who}`,
      });
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const password = await this.#password.next(this.#parts.signal);
        if (password === undefined) return;
        this.#note('password');
        left = yield { type: 'password', username, password };
        await this.#password.rejected();
        if (!accepts(left, 'password')) return;
      }
    }
  }

  async #answer(
    name: string,
    instructions: string,
    prompts: readonly Prompt[],
    round: { closed: boolean; again: boolean },
  ): Promise<string[]> {
    const { settings, services, signal } = this.#parts;
    const answers: string[] = [];
    for (const { prompt, echo } of prompts) {
      const words = [name, instructions, prompt].map((text) => text.trim()).filter((text) => text !== '');
      const answer = await services.prompts.askSecret(
        {
          kind: 'answer',
          subject: `${settings.user}@${settings.alias}`,
          prompt: words.join(' - '),
          echo: echo === true,
          again: round.again,
        },
        signal,
      );
      if (answer === undefined) round.closed = true;
      answers.push(answer?.value ?? '');
      if (round.closed) break;
    }
    return answers;
  }

  #note(method: string): void {
    if (!this.#tried.includes(method)) this.#tried.push(method);
  }

  #failure(): Error {
    const { settings, keys } = this.#parts;
    const tried = [
      ...keys.tried,
      ...keys.problems.map((problem) => phrase('(not usable) {0}', problem)),
      ...this.#tried,
    ];
    return authenticationFailed(`${settings.user}@${settings.alias}`, tried, this.#accepted);
  }
}

/** Null: the server has not said yet. */
const accepts = (left: readonly AuthenticationType[] | null, method: AuthenticationType): boolean =>
  left === null || left.includes(method);
