import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { starterImage } from '../../../../scripts/starter-image.ts';
import { ContainerDrops } from '../../../../src/extension/commands/drops.ts';
import type { ContainerView, Fleet } from '../../../../src/extension/fleet.ts';
import { FleetOfModels } from '../../../../src/extension/fleet-of-models.ts';
import { Reach } from '../../../../src/extension/fs/reach.ts';
import { RemoteFiles } from '../../../../src/extension/fs/remote-files.ts';
import { filesUriParts } from '../../../../src/extension/fs/uris.ts';
import { Layers } from '../../../../src/extension/layers/layers.ts';
import { HostModel } from '../../../../src/extension/model/host-model.ts';
import { type ContainersNode, ContainersView } from '../../../../src/extension/tree/containers-view.ts';
import { droppedOf } from '../../../../src/extension/tree/dropped.ts';
import { Gauges } from '../../../../src/extension/tree/gauges.ts';
import { ImageInsides } from '../../../../src/extension/tree/image-insides.ts';
import { ImagesView } from '../../../../src/extension/tree/images-view.ts';
import { Insides } from '../../../../src/extension/tree/insides.ts';
import { VolumesView } from '../../../../src/extension/tree/volumes-view.ts';
import { LyingEngine, lyingHost } from '../../../support/lying-engine.ts';
import { until } from './extension.ts';
import { rowText } from './rows.ts';
import { connectThisMachine, type ThisMachine } from './this-machine.ts';

/** The trees over an engine that answers whatever a test wants. */
class Liar {
  readonly engine: LyingEngine;
  readonly fleet = new FleetOfModels();
  readonly containers: ContainersView;
  readonly images: ImagesView;
  readonly volumes: VolumesView;
  readonly #owned: { dispose(): unknown }[] = [];

  private constructor(engine: LyingEngine) {
    this.engine = engine;
    const { fleet } = this;
    const own = <T extends { dispose(): unknown }>(one: T): T => {
      this.#owned.push(one);
      return one;
    };
    const reach = new Reach(fleet, { ready: async () => undefined, connect: async () => undefined });
    const gauges = own(new Gauges(fleet));
    const insides = own(new Insides({ fleet, files: own(new RemoteFiles(reach)), gauges }));
    this.containers = own(new ContainersView({ fleet, insides, gauges }));
    this.images = own(new ImagesView(fleet, new ImageInsides(fleet, new Layers(fleet))));
    this.volumes = own(new VolumesView(fleet, insides));
    own(fleet);
  }

  static async start(): Promise<Liar> {
    return new Liar(await LyingEngine.start());
  }

  async connect(): Promise<void> {
    const host = lyingHost(this.engine);
    const source = new HostModel(host, { engines: ['docker'] });
    await this.fleet.arrange([{ id: host.id, kind: 'ssh', made: '', make: () => ({ host, source }) }]);
  }

  async stop(): Promise<void> {
    for (const one of this.#owned.reverse()) await one.dispose();
    await this.engine.stop();
  }
}

const container = (Id: string, more: object = {}) => ({
  Id,
  Names: [`/${Id}`],
  Image: 'img',
  ImageID: 'sha256:1',
  Command: 'run',
  State: 'running',
  Status: 'Up 2 minutes',
  ...more,
});

describe('Trees over an engine that lies', function () {
  this.timeout(60_000);
  let liar: Liar;
  beforeEach(async () => {
    liar = await Liar.start();
  });
  afterEach(() => liar?.stop());

  const rows = async (parent?: ContainersNode) => {
    const nodes = await liar.containers.getChildren(parent);
    return nodes.map((node) => ({ node, item: liar.containers.getTreeItem(node) }));
  };
  const labels = async (parent?: ContainersNode) => (await rows(parent)).map(({ item }) => rowText(item));
  const shown = (count: number) =>
    until(`${count} rows`, async () => ((await rows()).length === count ? rows() : undefined));
  const lies = (path: string, body: string | object, status = 200) => liar.engine.lies.set(path, { body, status });

  it('show names of any kind as text, each in one short line', async () => {
    const names = [
      'x'.repeat(100_000),
      '\u001b[31mred\nsecond line',
      'photo\u202egnp.exe',
      'שלום',
      '<img src=x onerror=alert(1)>',
      '**bold** [click](command:porthole.container.prune) $(flame)',
    ];
    lies(
      '/containers/json',
      names.map((name, at) => container(`c${at}`, { Names: [`/${name}`], Image: name, Command: name })),
    );
    await liar.connect();
    for (const { item } of await shown(names.length)) {
      const texts = [rowText(item), String(item.description), String(item.accessibilityInformation?.label)];
      for (const text of texts) {
        assert.ok(text.length < 400, `${text.length} characters`);
        assert.doesNotMatch(text, /[\p{Cc}\u202a-\u202e]/u);
      }
      // A string is shown as it is: nothing in it is a link, an image or a command.
      assert.equal(typeof item.tooltip, 'string');
    }
    assert.ok((await labels()).includes('<img src=x onerror=alert(1)>'));
  });

  it('keep what they have when a list is refused, and say what is wrong above it', async () => {
    lies('/containers/json', [container('one')]);
    lies('/images/json', [{ Id: 'sha256:1', RepoTags: ['img:1'], Size: 1, Created: 1, Containers: 0 }]);
    await liar.connect();
    await shown(1);
    for (const path of ['/containers/json', '/images/json', '/volumes']) lies(path, { message: 'on fire' }, 500);
    await liar.fleet.refresh();
    const [problem, row] = await shown(2);
    assert.match(rowText(problem?.item ?? assert.fail()), /^Docker on Liar: .*not whole.*on fire/);
    assert.equal(problem?.item.command?.command, 'porthole.refresh');
    assert.equal(rowText(row?.item ?? assert.fail()), 'one');
    for (const view of [liar.images, liar.volumes]) {
      const [first] = await until('a row that says so', async () => {
        const found = await view.getChildren();
        return found[0]?.type === 'note' ? found : undefined;
      });
      assert.ok(first?.type === 'note' && /on fire/.test(first.text));
    }
  });

  it('unfold a container whose inspection is refused or garbled into rows that say so', async () => {
    lies('/containers/json', [container('one')]);
    await liar.connect();
    const [one] = await shown(1);
    const sections = await rows(one?.node);
    const below = async (label: string) => {
      const section = sections.find(({ item }) => rowText(item) === label) ?? assert.fail(label);
      return await rows(section.node);
    };
    lies('/containers/one/json', { message: 'no looking inside' }, 500);
    for (const label of ['Mounts', 'Networks', 'Exec Sessions']) {
      const [note] = await below(label);
      assert.match(rowText(note?.item ?? assert.fail(label)), /no looking inside/);
      assert.match(note?.item.accessibilityInformation?.label ?? '', /^Problem: /);
    }
    await liar.fleet.refresh();
    liar.containers.readAnew({ host: 'ssh:liar', engine: 'docker', id: 'one' });
    lies('/containers/one/json', '{"Mounts": 7');
    lies('/containers/one/changes', 'nonsense');
    for (const label of ['Mounts', 'Networks', 'Changes since its image']) {
      const [note] = await below(label);
      assert.match(rowText(note?.item ?? assert.fail(label)), /unexpected/, label);
    }
  });

  it('show changes whose paths are none of any file system', async () => {
    lies('/containers/json', [container('one')]);
    lies('/containers/one/changes', [
      { Path: '//twice', Kind: 1 },
      { Path: '', Kind: 2 },
      { Path: '/\u001b]0;title\u0007', Kind: 0 },
    ]);
    await liar.connect();
    const [one] = await shown(1);
    const sections = await rows(one?.node);
    const changes = sections.find(({ item }) => /^Changes/.test(rowText(item))) ?? assert.fail();
    const found = await rows(changes.node);
    assert.equal(found.length, 3);
    for (const { item } of found) assert.doesNotMatch(rowText(item), /\p{Cc}/u);
  });

  it('have a name for a screen reader in every row', async () => {
    lies('/containers/json', [
      container('one', { Labels: { a: 'b' }, NetworkSettings: { Networks: { front: {} } } }),
      container('two', { State: 'exited', Status: 'Exited (1) now' }),
    ]);
    lies('/containers/one/json', {
      Id: 'one',
      ExecIDs: ['e1', 'e2'],
      Mounts: [{ Type: 'bind', Source: '/a', Destination: '/b', RW: true }],
      NetworkSettings: { Networks: { front: { IPAddress: '10.0.0.2', IPPrefixLen: 24 } } },
    });
    const ProcessConfig = { entrypoint: 'sh', arguments: ['-c', 'x'], user: 'root', tty: true };
    lies('/exec/e1/json', { Running: true, Pid: 7, ProcessConfig });
    lies('/exec/e2/json', { Running: false, ExitCode: 0, ProcessConfig });
    await liar.connect();
    await shown(2);
    liar.containers.groupBy({ by: 'state' });
    const all: vscode.TreeItem[] = [];
    const walk = async (parent?: ContainersNode): Promise<void> => {
      for (const { node, item } of await rows(parent)) {
        all.push(item);
        if (item.collapsibleState !== vscode.TreeItemCollapsibleState.None) await walk(node);
      }
    };
    await walk();
    assert.deepEqual(
      all.filter((item) => !item.accessibilityInformation?.label).map(rowText),
      [],
      'rows without a name',
    );
    const ids = all.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, 'no id twice');
    const texts = all.map((item) => `${rowText(item)} ${item.description}`);
    assert.ok(texts.includes('sh -c x root · 7 on the host'), texts.join('\n'));
    assert.ok(texts.includes('front 10.0.0.2/24'), texts.join('\n'));
  });
});

describe('What is dropped onto containers', function () {
  this.timeout(60_000);
  let machine: ThisMachine;
  let box: ContainerView;

  before(async function () {
    if (process.getuid?.() !== 0) {
      console.log('      skipped: needs root');
      this.skip();
    }
    machine = await connectThisMachine();
    const made = await machine.docker.createContainer({
      name: 'box',
      Image: starterImage,
      Cmd: ['sh', '-c', 'mkdir -p /from/deep; echo a >/from/a; echo b >/from/deep/b; exec sleep 1000'],
    });
    await made.start();
    box = await until('it runs', () =>
      machine.engine()?.containers.find(({ name, state }) => name === 'box' && state === 'running'),
    );
  });
  after(() => machine?.end());

  const held = (...items: (readonly [string, vscode.DataTransferItem])[]) => {
    const transfer = new vscode.DataTransfer();
    for (const [mime, item] of items) transfer.set(mime, item);
    return transfer;
  };
  const list = (...lines: string[]) => ['text/uri-list', new vscode.DataTransferItem(lines.join('\r\n'))] as const;
  const inside = (path: string) => vscode.Uri.from(filesUriParts({ kind: 'container', ...box }, path));
  const text = async (path: string) => Buffer.from(await vscode.workspace.fs.readFile(inside(path))).toString();

  it('is what an address names, each once, and nothing that is no address', async () => {
    const dropped = await droppedOf(
      held(list('# a comment', 'file:///tmp/a%20b', 'file:///tmp/a%20b', 'no address', 'file:///')),
    );
    assert.deepEqual(dropped, [{ kind: 'path', name: 'a b', path: '/tmp/a b' }]);
  });

  it('is copied with everything below, also out of another file system', async () => {
    const changed: string[] = [];
    const fleet: Fleet = machine.api.fleet;
    const drops = new ContainerDrops({ fleet, changed: ({ id }) => changed.push(id) });
    const token = new vscode.CancellationTokenSource().token;
    await until('its files are made', () => text('/from/deep/b').catch(() => undefined));
    const { host, engine, id } = box;
    const files = { type: 'section', container: { host, engine, id }, section: 'files' } as const;
    await vscode.workspace.fs.createDirectory(inside('/into'));
    const entry = {
      name: 'into',
      type: 'directory',
      mode: 0o755,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: 0,
      mtimeNs: 0,
    } as const;
    const into: ContainersNode = { type: 'entry', of: { kind: 'container', ...files.container }, path: '/into', entry };
    await drops.handleDrop(into, held(list(inside('/from').toString())), token);
    assert.deepEqual([await text('/into/from/a'), await text('/into/from/deep/b')], ['a\n', 'b\n']);
    assert.deepEqual(changed, [id]);
  });

  it('goes out as addresses', () => {
    const drops = new ContainerDrops({ fleet: machine.api.fleet, changed: () => undefined });
    const { host, engine, id } = box;
    const of = { kind: 'container', host, engine, id } as const;
    const entry = { name: 'a', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 2, mtime: 0, mtimeNs: 0 } as const;
    const transfer = new vscode.DataTransfer();
    drops.handleDrag(
      [
        { type: 'entry', of, path: '/from/a', entry },
        { type: 'container', ref: of },
      ],
      transfer,
    );
    assert.equal(transfer.get('text/uri-list')?.value, inside('/from/a').toString());
  });
});
