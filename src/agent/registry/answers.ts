import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http';
import { PortholeError } from '../../base/errors.ts';
import { parseChallenges } from './challenge.ts';

/** A registry's own refusal, with the code that the distribution specification gives it. */
export class RegistryRefusal extends PortholeError {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status: number) {
    super('unavailable', message);
    this.code = code;
    this.status = status;
  }
}

interface Refused {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const usual: ReadonlyMap<string, string> = new Map([
  ['UNAUTHORIZED', 'authentication required'],
  ['DENIED', 'requested access to the resource is denied'],
]);

/** What an answer that is no success means, in dockerd's words. */
export function errorOf({ status, headers, body }: Refused): RegistryRefusal {
  const said = (code: string, message: string | undefined): RegistryRefusal => {
    const words = code.toLowerCase().replace(/_/g, ' ');
    return new RegistryRefusal(code, `${words}: ${printable(message || usual.get(code) || words)}`, status);
  };
  if (status < 400 || status >= 500) {
    const name = STATUS_CODES[status] ?? '';
    return new RegistryRefusal('', `received unexpected HTTP status: ${status} ${name}`.trimEnd(), status);
  }
  // A token that does not suffice, RFC 6750, 3.1.
  const bearer = parseChallenges(headers['www-authenticate'] ?? '').find(({ scheme }) => scheme === 'bearer');
  const why = new Map([
    ['invalid_token', 'UNAUTHORIZED'],
    ['insufficient_scope', 'DENIED'],
  ]).get(bearer?.parameters.get('error') ?? '');
  if (why !== undefined) return said(why, bearer?.parameters.get('error_description'));
  const value = parsed(body);
  const { details, errors }: { details?: unknown; errors?: unknown } = Object(value);
  // Token servers of old say it so.
  if (typeof details === 'string' && details !== '') {
    return said(
      new Map([
        [401, 'UNAUTHORIZED'],
        [429, 'TOOMANYREQUESTS'],
      ]).get(status) ?? 'UNKNOWN',
      details,
    );
  }
  const { code, message }: { code?: unknown; message?: unknown } = Object(
    Array.isArray(errors) ? errors[0] : undefined,
  );
  if (typeof code === 'string' && /^[A-Za-z_]{1,60}$/.test(code)) {
    return said(code.toUpperCase(), typeof message === 'string' ? message : undefined);
  }
  if (status === 401) return said('UNAUTHORIZED', undefined);
  const text = JSON.stringify(printable(body.toString('utf8')));
  const why404 = value === undefined ? 'it is not JSON' : 'no error details found in HTTP response body';
  return new RegistryRefusal('', `error parsing HTTP ${status} response body: ${why404}: ${text}`, status);
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** A registry's words go to people's terminals. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
  return text.slice(0, 1000).replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?');
}
