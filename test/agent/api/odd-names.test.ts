import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodePath } from '../../../src/protocol/paths.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { requires } from '../../support/tools.ts';

/** The bytes CAFE 0xE9 and others, as they travel in JSON. */
const latin = 'caf\uDCE9';
const directory = 'd\uDCFF';

const tree = `
  mkdir -p root/$'d\\xff' root/bin; cp "$(command -v busybox)" root/bin/busybox
  printf latin > root/$'caf\\xe9'; printf other > root/$'caf\\xe8'; printf in > root/$'d\\xff/in\\x80'
  ln -s $'caf\\xe9' root/$'l\\xfe'; touch root/attributed
  python3 -c 'import os; os.setxattr("root/attributed", b"user.\\xe9", b"v\\xe9")'
  tar --xattrs --xattrs-include='*' -C root -cf image.tar .`;

const dockerfile = `FROM odd:1
COPY caf\\xe9 /copied\\xfe
COPY --from=odd:1 /l\\xfe /through
RUN ["/bin/busybox", "sh", "-c", "echo ran > /ran\\xfd"]
COPY <<'END' /here\\xfc
said \\xe9
END
`;

describe('api: names that are not UTF-8', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let at = '';
  before(async function () {
    requires(this, { root: true, programs: ['docker', 'busybox', 'python3'] });
    at = await mkdtemp(join(tmpdir(), 'porthole-names-'));
    agent = await startAgent();
    shell(tree);
    shell('docker import image.tar odd:1');
  });
  after(async () => {
    await agent?.stop();
    if (at !== '') await rm(at, { recursive: true, force: true });
  });

  const shell = (script: string): Buffer =>
    execFileSync('bash', ['-ec', script], {
      cwd: at,
      env: { ...process.env, DOCKER_HOST: `unix://${agent.socket}`, DOCKER_BUILDKIT: '0', DOCKER_CLI_HINTS: 'false' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  async function answer(path: string): Promise<string> {
    const { status, body } = await ask(agent.socket, 'GET', `/porthole/v1/images/${path}`);
    assert.equal(status, 200, body);
    return body;
  }
  const json = async (path: string) => JSON.parse(await answer(path));

  it('layers tell them, and find files by them', async () => {
    const changes: { path: string; after?: { link?: string; xattrs?: object } }[] =
      await json('odd:1/layers/0/changes');
    const found = new Map(changes.map(({ path, after }) => [path, after]));
    for (const path of [latin, 'caf\uDCE8', `${directory}/in\uDC80`]) assert.ok(found.has(path), JSON.stringify(path));
    assert.equal(found.get('l\uDCFE')?.link, latin);
    assert.deepEqual(found.get('attributed')?.xattrs, { 'user.\uDCE9': Buffer.from([0x76, 0xe9]).toString('base64') });
    assert.equal(await answer(`odd:1/merged/file?path=${encodePath(latin)}`), 'latin');
    assert.equal(await answer(`odd:1/layers/0/file?path=${encodePath('caf\uDCE8')}`), 'other');
    assert.equal(await answer(`odd:1/merged/file?path=${encodePath(`/${directory}/in\uDC80`)}`), 'in');
    const rows: { path: string }[] = await json(`odd:1/merged?path=${encodePath(directory)}`);
    assert.deepEqual(
      rows.map(({ path }) => path),
      [`${directory}/in\uDC80`],
    );
    const after: { path: string }[] = await json(`odd:1/merged?path=&after=${encodePath('caf\uDCE8')}&limit=1`);
    assert.deepEqual(
      after.map(({ path }) => path),
      [latin],
    );
    const [version] = await json(`odd:1/versions?path=${encodePath(latin)}`);
    assert.equal(version.kind, 'added');
    const { rows: named } = await json(`odd:1/layers/0/changes/directory?path=${encodePath(directory)}`);
    assert.deepEqual(
      named.map(({ name }: { name: string }) => name),
      ['in\uDC80'],
    );
  });

  it('a Dockerfile may hold them', async () => {
    shell(`mkdir -p context; cp root/$'caf\\xe9' context; printf %b ${JSON.stringify(dockerfile).replaceAll('\\\\x', '\\x')} > context/Dockerfile
      docker build --network none -q -t built:1 context`);
    const file = (path: string) => answer(`built:1/merged/file?path=${encodePath(path)}`);
    assert.equal(await file('copied\uDCFE'), 'latin');
    assert.equal(await file('through'), 'latin');
    assert.equal(await file('ran\uDCFD'), 'ran\n');
    const { body } = await ask(agent.socket, 'GET', `/porthole/v1/images/built:1/merged?path=`);
    const here = JSON.parse(body).find(({ path }: { path: string }) => path === 'here\uDCFC');
    assert.equal(here.size, 'said X\n'.length);
  });

  it('two that differ in such a byte only are two steps for the cache', () => {
    const build = (byte: string): string =>
      String(
        shell(`mkdir -p two; printf same > two/$'a\\x80'; printf same > two/$'a\\x81'
        printf %b 'FROM odd:1\\nCOPY a\\x${byte} /x\\x${byte}\\n' > two/Dockerfile; docker build -q two`),
      );
    const first = build('80');
    assert.notEqual(build('81'), first);
    assert.equal(build('80'), first);
  });

  it('containers: cp both ways, diff, commit, export', async () => {
    shell(`docker create --name box odd:1 /bin/busybox true
      docker cp box:/$'caf\\xe9' out; test "$(cat out)" = latin
      docker cp out box:/$'new\\xc0'; docker cp box:/$'d\\xff' .; test "$(cat $'d\\xff/in\\x80')" = in
      docker export box | tar -t | grep -F 'new\\300'; docker commit box odd:2; docker rm box`);
    assert.equal(await answer(`odd:2/merged/file?path=${encodePath('new\uDCC0')}`), 'latin');
    assert.deepEqual(
      (await json('odd:2/layers/1/changes')).map(({ path, kind }: { path: string; kind: string }) => `${kind} ${path}`),
      ['added new\uDCC0'],
    );
  });
});
