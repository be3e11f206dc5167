import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LayerEntry } from '../../src/protocol/layers.ts';
import { treeInTar, treeOf } from '../agent/store/rig.ts';
import { asUmoci, makeWorstCase, packed } from '../agent/store/worst-case.ts';
import { type RunningAgent, startAgent } from '../support/agent.ts';
import { debianTar } from '../support/debian.ts';
import { type Dockerd, startDockerd } from '../support/dockerd.ts';
import { type RunningRegistry, startRegistry } from '../support/registry.ts';
import { requires } from '../support/tools.ts';

const programs = ['docker', 'dockerd', 'docker-registry', 'skopeo', 'umoci', 'debootstrap', 'setcap'];

/** One image goes through everything that carries images, and has every mode, owner, time, link, attribute and device in the end. */
describe('an image that is imported, pushed, pulled, saved, loaded, built and exported', function () {
  // The Debian is made by its own packages' scripts, on a machine that may be busy.
  this.timeout(1_200_000);
  let directory = '';
  let agent: RunningAgent;
  let dockerd: Dockerd;
  let registry: RunningRegistry;

  before(async function () {
    requires(this, { root: true, programs });
    directory = await mkdtemp('/var/tmp/porthole-carried-');
    registry = await startRegistry();
    agent = await startAgent();
    dockerd = await startDockerd();
  });
  after(async () => {
    await dockerd?.stop();
    await agent?.stop();
    await registry?.stop();
    if (directory !== '') await rm(directory, { recursive: true, force: true });
  });

  const at = (name: string): string => join(directory, name);
  const run = async (program: string, ...args: string[]): Promise<string> =>
    (await promisify(execFile)(program, args, { maxBuffer: 1 << 26 })).stdout.trim();
  const ours = (...args: string[]) => run('docker', '-H', `unix://${agent.socket}`, ...args);
  const theirs = (...args: string[]) => run('docker', '-H', dockerd.host, ...args);
  const idOf = (image: string) => ours('image', 'inspect', '-f', '{{.Id}}', image);

  /** What a container of the image would see, without what every container gets. */
  async function exported(image: string): Promise<Map<string, LayerEntry>> {
    const container = await ours('create', '--network', 'none', image, 'true');
    await ours('export', '-o', at('exported.tar'), container);
    await ours('rm', container);
    return asExported(await treeInTar(createReadStream(at('exported.tar'))));
  }

  async function carry(name: string, tar: string): Promise<void> {
    const tree = await treeInTar(createReadStream(tar));
    const remote = `${registry.host}/${name}:1`;
    const id = await ours('import', tar, remote);
    assert.deepEqual(await exported(remote), asExported(tree));

    await ours('push', '-q', remote);
    await ours('rmi', remote);
    await ours('pull', '-q', remote);
    assert.equal(await idOf(remote), id);
    const layout = at(`${name}-layout`);
    await run('skopeo', 'copy', '-q', '--src-tls-verify=false', `docker://${remote}`, `oci:${layout}:1`);
    await run('umoci', 'unpack', '--image', `${layout}:1`, at(`${name}-bundle`));
    assert.deepEqual(asUmoci(await treeOf(at(`${name}-bundle/rootfs`))), asUmoci(tree));

    // From us to dockerd and back.
    await ours('save', '-o', at('saved.tar'), remote);
    await theirs('load', '-q', '-i', at('saved.tar'));
    assert.equal(await theirs('image', 'inspect', '-f', '{{.Id}}', remote), id);
    await theirs('save', '-o', at('saved.tar'), remote);
    await theirs('rmi', remote);
    await ours('rmi', remote);
    await ours('load', '-q', '-i', at('saved.tar'));
    assert.equal(await idOf(remote), id);
    assert.deepEqual(await exported(remote), asExported(tree));
    await ours('rmi', remote);

    const context = at(`${name}-context`);
    await mkdir(context);
    await copyFile(tar, join(context, 'root.tar'));
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nADD root.tar /\n');
    await ours('build', '-q', '-t', 'built', context);
    assert.deepEqual(await exported('built'), asExported(tree));
    await ours('rmi', 'built');
  }

  it('a Debian', async () => {
    await carry('debian', await debianTar());
  });

  it('a worst case', async () => {
    const source = at('source');
    await mkdir(source);
    makeWorstCase(source);
    await writeFile(at('worst.tar'), packed(source, { sparse: false }));
    await carry('worst', at('worst.tar'));
  });
});

/**
 * Docker's archives have no parts of a second. Of a container's files those attributes are carried that somebody in it could
 * have set; dockerd carries the capability alone.
 */
function asExported(tree: ReadonlyMap<string, LayerEntry>): Map<string, LayerEntry> {
  const found = new Map<string, LayerEntry>();
  for (const [path, { mtimeNs: _, xattrs = {}, ...entry }] of tree) {
    if (ofTheContainer.has(path)) continue;
    const kept = Object.entries(xattrs).filter(([name]) => !name.startsWith('trusted.'));
    found.set(path, { ...entry, ...(kept.length > 0 && { xattrs: Object.fromEntries(kept) }) });
  }
  return found;
}

/** Made for every container. */
const ofTheContainer = new Set([
  ...['', '.dockerenv', 'dev', 'dev/console', 'dev/pts', 'dev/shm', 'proc', 'sys'],
  ...['etc', 'etc/hostname', 'etc/hosts', 'etc/mtab', 'etc/resolv.conf'],
]);
