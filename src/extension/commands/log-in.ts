import { l10n, window } from 'vscode';
import { messageOf } from '../../base/errors.ts';
import { advised } from '../advice.ts';
import { registryOf } from '../registry/credentials.ts';

/**
 * For a `catch`: a registry that wants to know who asks is logged in to with docker's own command, which keeps the password.
 * @param references of the images that were asked for; of several the one whose registry the failure names
 */
export function orLogIn(...references: readonly string[]): (failure: unknown) => never {
  return (failure) => {
    const registries = references.map(registryOf);
    const registry = registries.find((one) => messageOf(failure).includes(one)) ?? registries[0];
    throw advised(failure, (refusal) =>
      refusal?.kind === 'denied' && registry !== undefined
        ? [{ title: l10n.t('Log In…'), run: () => logIn(registry) }]
        : [],
    );
  };
}

/** Typed, not sent: the user sees what is going to run. */
function logIn(registry: string): void {
  const terminal = window.createTerminal(l10n.t('Log in to {0}', registry));
  terminal.show();
  terminal.sendText(`docker login${registry === 'docker.io' ? '' : ` ${registry}`}`, false);
}
