import { rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { Session } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type Dockerode from 'dockerode';
import { commands, type ExtensionContext, extensions, Uri, ViewColumn, window, workspace } from 'vscode';
import type { PortholeApi } from '../../../src/extension/extension.ts';
import { type ProbeAnswers, type ProbeName, type ProbeQuestion, probeVariable } from './probe-contract.ts';

/** The extension that `probe-contract.ts` is about. */
export function activate({ subscriptions }: ExtensionContext): void {
  const socket = process.env[probeVariable];
  if (socket === undefined) return;
  const documents = new Map<string, string>();
  subscriptions.push(
    workspace.registerTextDocumentContentProvider('bench', {
      provideTextDocumentContent: (uri) => documents.get(uri.path) ?? '',
    }),
  );
  const answers = answering(documents);
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    const settle = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    void text(request)
      .then((body): Promise<unknown> => {
        const question: ProbeQuestion = JSON.parse(body);
        const answer = Object.entries(answers).find(([known]) => known === name)?.[1];
        if (!answer) throw new Error(`no ${name}`);
        return answer(question);
      })
      .then(
        (answer) => settle(200, answer),
        (failure) => settle(500, failure instanceof Error ? failure.stack : String(failure)),
      );
  });
  // That of the extension host before this one.
  rmSync(socket, { force: true });
  server.listen(socket);
  subscriptions.push({ dispose: () => server.close() });
}

type Answering = { readonly [Name in ProbeName]: (question: ProbeQuestion) => Promise<ProbeAnswers[Name]> };

const now = (): number => performance.timeOrigin + performance.now();

function answering(documents: Map<string, string>): Answering {
  const session = new Session();
  const lists = new ListTimes();
  let made = 0;
  const document = (content: string): Uri => {
    made += 1;
    const path = `/${made}.txt`;
    documents.set(path, content);
    return Uri.from({ scheme: 'bench', path });
  };
  return {
    process: async () => {
      setFlagsFromString('--expose-gc');
      runInNewContext('gc')();
      const { heapUsed, heapTotal, external } = process.memoryUsage();
      return { pid: process.pid, heapUsed, heapTotal, external };
    },
    connect: async () => lists.connect(await porthole()),
    disconnect: async () => {
      const { host } = only(await porthole());
      await commands.executeCommand('porthole.host.disconnect', { type: 'host', hostId: host.id });
      return { done: true };
    },
    roundTrips: async () => {
      const docker = only(await porthole()).host.engine('porthole');
      const took: number[] = [];
      for (let round = 0; round < 40; round += 1) {
        const begun = now();
        await docker.ping();
        took.push(now() - begun);
      }
      return took;
    },
    execute: async ({ command = '', argument }) => {
      const begun = now();
      await commands.executeCommand(command, argument);
      return { begun };
    },
    panel: async ({ folder = '' }) => {
      const begun = now();
      const root = Uri.file(folder);
      const { webview } = window.createWebviewPanel('bench.empty', 'Empty', ViewColumn.Active, {
        enableScripts: true,
        localResourceRoots: [root],
      });
      const file = (name: string) => webview.asWebviewUri(Uri.joinPath(root, name)).toString();
      webview.html = `<!DOCTYPE html><html><head><link rel="stylesheet" href="${file('empty.css')}"></head><body>
        <main id="app"></main><script src="${file('empty.js')}"></script></body></html>`;
      return { begun };
    },
    plainDiff: async ({ left = '', right = '' }) => {
      const [before, after] = [document(left), document(right)];
      const begun = now();
      await commands.executeCommand('vscode.diff', before, after, 'Plain', { preview: true });
      return { begun };
    },
    closeEditors: async () => {
      await commands.executeCommand('workbench.action.closeAllEditors');
      return { done: true };
    },
    profileStart: async () => {
      session.connect();
      await session.post('Profiler.enable');
      await session.post('Profiler.start');
      return { done: true };
    },
    profileStop: async () => {
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return { profile };
    },
  };
}

/** Notes when the answers with whole lists have been read. */
class ListTimes {
  readonly #watched = new WeakSet<Dockerode>();
  #containers = 0;
  #images = 0;

  async connect(api: PortholeApi): Promise<ProbeAnswers['connect']> {
    [this.#containers, this.#images] = [0, 0];
    const { host } = only(api);
    // The extension begins to read when it hears of the connection, and waits for the events first.
    const heard = host.onDidChange(({ kind }) => {
      if (kind === 'connected') this.#watch(host.engine('porthole'));
    });
    try {
      await commands.executeCommand('porthole.host.connect', { type: 'host', hostId: host.id });
      while (this.#containers === 0 || this.#images === 0) await new Promise((done) => setTimeout(done, 5));
      return { containers: this.#containers, images: this.#images };
    } finally {
      heard.dispose();
    }
  }

  #watch(docker: Dockerode): void {
    if (this.#watched.has(docker)) return;
    this.#watched.add(docker);
    const [containers, images] = [docker.listContainers, docker.listImages];
    Reflect.set(docker, 'listContainers', async (options: Dockerode.ContainerListOptions) => {
      const list = await containers.call(docker, options);
      this.#containers ||= now();
      return list;
    });
    Reflect.set(docker, 'listImages', async (options: Dockerode.ListImagesOptions) => {
      const list = await images.call(docker, options);
      this.#images ||= now();
      return list;
    });
  }
}

async function porthole(): Promise<PortholeApi> {
  const api = await extensions.getExtension<PortholeApi>('porthole.porthole')?.activate();
  if (!api) throw new Error('Porthole is not installed');
  await api.ready;
  return api;
}

function only({ fleet }: PortholeApi) {
  const [first] = fleet.hosts;
  if (!first) throw new Error('no host');
  return first;
}
