import type { HostKeyQuestion, SecretAnswer, SecretQuestion, SshServices } from '../../src/extension/ssh/services.ts';

/** A user who answers by rule, and remembers what was asked. */
export class ScriptedUser implements SshServices {
  readonly hostKeyQuestions: HostKeyQuestion[] = [];
  readonly secretQuestions: SecretQuestion[] = [];
  readonly kept = new Map<string, string>();
  readonly logged: string[] = [];
  trust = true;
  answer: (question: SecretQuestion) => SecretAnswer | undefined = () => undefined;

  readonly prompts = {
    confirmHostKey: async (question: HostKeyQuestion) => {
      this.hostKeyQuestions.push(question);
      return this.trust;
    },
    askSecret: async (question: SecretQuestion) => {
      this.secretQuestions.push(question);
      return this.answer(question);
    },
  };
  readonly secrets = {
    get: async (key: string) => this.kept.get(key),
    store: async (key: string, value: string) => {
      this.kept.set(key, value);
    },
    delete: async (key: string) => {
      this.kept.delete(key);
    },
  };
  readonly log = {
    debug: (message: string) => this.logged.push(message),
    info: (message: string) => this.logged.push(message),
    warn: (message: string) => this.logged.push(message),
  };
}
