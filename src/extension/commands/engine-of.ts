import type Dockerode from 'dockerode';
import { l10n } from 'vscode';
import { PortholeError } from '../../base/errors.ts';
import { type Fleet, findHost, type ObjectRef } from '../fleet.ts';

/** The client of the engine that has an object. @throws not-found when its host has left the fleet */
export function engineOf(fleet: Fleet, ref: Pick<ObjectRef, 'host' | 'engine'>): Dockerode {
  const entry = findHost(fleet, ref.host);
  if (!entry) throw new PortholeError('not-found', l10n.t('No such host: {0}', ref.host));
  return entry.host.engine(ref.engine);
}
