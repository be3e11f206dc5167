import type { SecretQuestion, SshServices } from './services.ts';

type Question = Pick<SecretQuestion, 'kind' | 'subject' | 'prompt'> & {
  /** Key in the secret store. */
  readonly storeAs: string;
};

/** A password or passphrase on trial: first the stored one, then what the user types. Kept only when it proved right. */
export class PendingSecret {
  readonly #services: SshServices;
  readonly #question: Question;
  #askedStore = false;
  #fromStore = false;
  #again = false;
  #remember: string | undefined;

  constructor(services: SshServices, question: Question) {
    this.#services = services;
    this.#question = question;
  }

  /** The next value to try; undefined when the user gave up. */
  async next(signal: AbortSignal): Promise<string | undefined> {
    const { storeAs, kind, subject, prompt } = this.#question;
    if (!this.#askedStore) {
      this.#askedStore = true;
      const stored = await this.#services.secrets.get(storeAs);
      if (stored !== undefined) {
        this.#fromStore = true;
        return stored;
      }
    }
    const again = this.#again;
    this.#again = true;
    const answer = await this.#services.prompts.askSecret({ kind, subject, prompt, echo: false, again }, signal);
    this.#remember = answer?.remember ? answer.value : undefined;
    return answer?.value;
  }

  async accepted(): Promise<void> {
    if (this.#remember !== undefined) await this.#services.secrets.store(this.#question.storeAs, this.#remember);
  }

  async rejected(): Promise<void> {
    this.#remember = undefined;
    if (!this.#fromStore) return;
    this.#fromStore = false;
    await this.#services.secrets.delete(this.#question.storeAs);
  }
}
