import { l10n } from 'vscode';
import { PortholeError, phraseOf } from '../base/errors.ts';
import { Phrase } from '../base/phrases.ts';

/** What the user sees of a failure: the message, and for some kinds what to do next. */
export function explain(thrown: unknown): string {
  const message = engineMessage(thrown) ?? inWords(phraseOf(thrown));
  const next = thrown instanceof PortholeError ? nextStep(thrown) : undefined;
  return next ? `${message} ${next}` : message;
}

/** A phrase in the user's language; words of others are passed on as they are. */
export function inWords(said: Phrase | string): string {
  return said instanceof Phrase ? said.say((text, values) => l10n.t(text, ...values)) : said;
}

/** True when the user gave up: nothing to report. */
export function isCanceled(thrown: unknown): boolean {
  if (thrown instanceof PortholeError) return thrown.kind === 'canceled';
  return thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'Canceled');
}

/** The HTTP status of an engine's refusal, undefined for any other failure. */
export function engineStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined;
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined;
}

/** dockerode wraps the engine's own words into its own; users want the engine's. */
function engineMessage(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error) || !('json' in thrown)) return undefined;
  const { json } = thrown;
  if (typeof json !== 'object' || json === null || !('message' in json)) return undefined;
  return typeof json.message === 'string' ? json.message : undefined;
}

function nextStep({ kind, phrase }: PortholeError): string | undefined {
  switch (kind) {
    case 'unavailable':
      return l10n.t('Connect to the host again, or look into the connection log.');
    case 'unauthorized':
      return l10n.t('Check the user, the key and the agent of this host in your SSH configuration.');
    case 'forbidden':
      // A changed host key, or an agent of another user: their own words say what to do.
      return phrase ? undefined : l10n.t('The user on that host may not do this.');
    default:
      return undefined;
  }
}
