import { l10n, window } from 'vscode';
import type { HostKeyQuestion, SecretAnswer, SecretQuestion, SshPrompts } from '../ssh/services.ts';

/** The questions that a connection asks, as VS Code's own boxes. */
export const sshPrompts: SshPrompts = {
  async confirmHostKey(question, signal) {
    const trust = l10n.t('Trust and Connect');
    const chosen = window.showWarningMessage(
      l10n.t('The host {0} is not known yet.', question.host),
      { modal: true, detail: keyDetail(question) },
      trust,
    );
    return (await unlessAborted(chosen, signal)) === trust;
  },

  async askSecret(question, signal) {
    const value = await unlessAborted(
      window.showInputBox({
        title: question.subject,
        prompt: question.again ? l10n.t('That was wrong. {0}', promptOf(question)) : promptOf(question),
        password: !question.echo,
        ignoreFocusOut: true,
      }),
      signal,
    );
    return value === undefined ? undefined : { value, remember: await mayRemember(question, signal) };
  },
};

function keyDetail({ keyType, fingerprint, knownTypes }: HostKeyQuestion): string {
  const lines = [
    l10n.t('It shows this {0} key:', keyType),
    fingerprint,
    '',
    l10n.t('Compare the fingerprint with the one that the owner of the host tells you.'),
  ];
  if (knownTypes.length > 0) {
    lines.push('', l10n.t('Beware: for this host other keys are on record ({0}).', knownTypes.join(', ')));
  }
  return lines.join('\n');
}

function promptOf({ kind, prompt, subject }: SecretQuestion): string {
  if (kind === 'passphrase') return l10n.t('Passphrase of the key {0}', subject);
  if (kind === 'password') return l10n.t('Password of {0}', subject);
  return prompt;
}

/** One-time codes are worth nothing later; the others may be kept, if the user says so. */
async function mayRemember({ kind }: SecretQuestion, signal: AbortSignal): Promise<SecretAnswer['remember']> {
  if (kind === 'answer') return false;
  const yes = l10n.t('Remember');
  const no = l10n.t('Only This Time');
  const chosen = window.showQuickPick([yes, no], {
    placeHolder: l10n.t('Keep it in the secret storage of VS Code?'),
    ignoreFocusOut: true,
  });
  return (await unlessAborted(chosen, signal)) === yes;
}

/** A box cannot be closed from here for every kind of question, but nobody waits for it any more. */
function unlessAborted<T>(answer: Thenable<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
    answer.then(resolve, reject);
  });
}
