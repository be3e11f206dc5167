import { userInfo } from 'node:os';
import { isThere } from '../sys/files.ts';
import { runProgram } from '../sys/program.ts';

/** True when the service manager of the user who runs us starts with the host and outlives logins: loginctl(1), enable-linger. */
export function lingers(): Promise<boolean> {
  return isThere(`/var/lib/systemd/linger/${userName()}`);
}

/** Has logind let the user's manager linger. Lines to tell when it does not. */
export async function makeLinger(): Promise<string[]> {
  if (await lingers()) return [];
  const { code, stderr } = await runProgram('loginctl', ['enable-linger', '--no-ask-password']);
  if (code === 0 && (await lingers())) return [];
  return [
    `it ends with the last login of ${userName()}, and does not start with the host, until an administrator allows it: ` +
      `loginctl enable-linger ${userName()}${stderr.trim() === '' ? '' : ` (${stderr.trim()})`}`,
  ];
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // No line of /etc/passwd. loginctl takes the number too.
    return String(process.getuid?.());
  }
}
