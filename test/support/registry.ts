import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import * as http from 'node:http';
import * as https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, start, untilAnswers } from '../../scripts/processes.ts';
import { which } from './tools.ts';

/** The distribution project's registry, a process of our own on a free port of this machine. */
export interface RunningRegistry {
  /** 127.0.0.1:PORT */
  readonly host: string;
  readonly directory: string;
  /** What it logged. */
  output(): string;
  stop(): Promise<void>;
}

export interface RegistryOptions {
  /** More sections of its configuration: YAML, whole lines. */
  readonly config?: string;
  /** Files of the certificate that it shows. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

export async function startRegistry({ config = '', tls }: RegistryOptions = {}): Promise<RunningRegistry> {
  const program = which('docker-registry');
  if (program === undefined) throw new Error('docker-registry is missing (Debian: apt-get install docker-registry)');
  const directory = await mkdtemp(join(tmpdir(), 'porthole-registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const text = [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${join(directory, 'data')} }, delete: { enabled: true } }`,
    `http: { addr: '${host}'${tls ? `, tls: { certificate: ${tls.certificate}, key: ${tls.key} }` : ''} }`,
    config,
  ].join('\n');
  await writeFile(join(directory, 'config.yml'), text);
  const running = start(program, ['serve', join(directory, 'config.yml')], {
    env: { ...process.env, OTEL_TRACES_EXPORTER: 'none' },
  });
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await untilAnswers('docker-registry', running, () => answers(host, tls !== undefined));
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { host, directory, output: () => running.output(), stop };
}

function answers(host: string, isSecure: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const answered = (response: IncomingMessage): void => {
      response.resume();
      resolve(true);
    };
    const asking = isSecure
      ? https.request(`https://${host}/v2/`, { agent: false, rejectUnauthorized: false }, answered)
      : http.request(`http://${host}/v2/`, { agent: false }, answered);
    asking.once('error', () => resolve(false)).end();
  });
}
