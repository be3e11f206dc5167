import { connect } from 'node:net';
import { errnoOf } from '../../base/errors.ts';

/** True when something accepts connections on the unix socket. @throws for what lies there and is none (ENOTSOCK) or may not be used. */
export async function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (failure) => {
      if (['ENOENT', 'ECONNREFUSED'].includes(errnoOf(failure) ?? '')) resolve(false);
      else reject(failure);
    });
  });
}
