import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
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

/** @param options.config more sections of its configuration, YAML with whole lines; `auth:` for example. */
export async function startRegistry({
  config = '',
  http = '',
}: {
  config?: string;
  http?: string;
} = {}): Promise<RunningRegistry> {
  const program = which('docker-registry');
  if (program === undefined) throw new Error('docker-registry is missing (Debian: apt-get install docker-registry)');
  const directory = await mkdtemp(join(tmpdir(), 'porthole-registry-'));
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const text = [
    'version: 0.1',
    'log: { level: error, accesslog: { disabled: true } }',
    `storage: { filesystem: { rootdirectory: ${join(directory, 'data')} }, delete: { enabled: true } }`,
    `http:\n  addr: ${host}\n${http}`,
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
    await untilAnswers('docker-registry', running, () => answers(host));
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { host, directory, output: () => running.output(), stop };
}

function answers(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    request(`http://${host}/v2/`, { agent: false }, (response) => {
      response.resume();
      resolve(true);
    })
      .once('error', () => resolve(false))
      .end();
  });
}
