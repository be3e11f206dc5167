import assert from 'node:assert/strict';
import { isKind } from '../../../src/base/errors.ts';
import { type RunningRegistry, startRegistry } from '../../support/registry.ts';
import { ChaosProxy, type Fault, isBlobUrl } from './proxy.ts';
import { listener, loadNoise, RegistryRig, type Side, signal, until, words } from './rig.ts';

/** Digest of the blob that a request is for. */
const blobOf = (url: string): string => /sha256:[0-9a-f]{64}/.exec(url)?.[0] ?? '';

describe('registry: behind a proxy that cuts, delays, reorders and lies', function () {
  const rig = RegistryRig.for(this);
  let registry: RunningRegistry;
  let proxy: ChaosProxy;
  let id: string;
  /** Of the layers, bottom first. */
  let layers: { readonly digest: string; readonly size: number }[];
  let total = 0;

  before(async () => {
    registry = await startRegistry();
    proxy = await ChaosProxy.before(registry.host);
    const source = await rig.side();
    id = await loadNoise(source, { tag: `${registry.host}/noise:1` });
    await source.registry.push(`${registry.host}/noise:1`, { signal });
    const answer = await fetch(`http://${registry.host}/v2/noise/manifests/1`, {
      headers: { Accept: 'application/vnd.docker.distribution.manifest.v2+json' },
    });
    const manifest: { layers: { digest: string; size: number }[] } = JSON.parse(await answer.text());
    layers = manifest.layers;
    total = layers.reduce((sum, { size }) => sum + size, 0);
  });
  after(async () => {
    await proxy?.close();
    await registry?.stop();
  });

  const name = () => `${proxy.host}/noise:1`;
  const isLayer = (url: string, position = 1): boolean => isBlobUrl(url) && blobOf(url) === layers[position]?.digest;
  const layerBytes = (): number => layers[1]?.size ?? 0;

  async function pulls(side: Side): Promise<void> {
    const pulled = await side.registry.pull(name(), { signal });
    assert.equal(pulled.id, id);
    assert.equal(side.images.layers(id).length, 3);
    assert.deepEqual(side.images.get(name()).tags, [name()]);
  }

  async function fails(side: Side, expected: RegExp): Promise<void> {
    await assert.rejects(side.registry.pull(name(), { signal }), (failure: Error) => {
      assert.match(failure.message, expected);
      return !isKind(failure, 'internal');
    });
    assert.deepEqual(side.images.list(), [], 'nothing is visible');
    assert.deepEqual(await side.leftovers(), [], 'nothing half-unpacked stays');
  }

  it('as it is: each byte once, and the words of dockerd', async () => {
    proxy.does();
    const side = await rig.side();
    const { lines, progress } = listener();
    await side.registry.pull(name(), { signal, progress });
    const said = words(lines);
    assert.equal(said[0], '1: Pulling from noise');
    for (const { digest } of layers) {
      const short = digest.slice(7, 19);
      const own = said.filter((word) => word.startsWith(`${short}: `)).map((word) => word.slice(14));
      assert.deepEqual(
        own.filter((word) => word !== 'Waiting'),
        ['Pulling fs layer', 'Verifying Checksum', 'Download complete', 'Pull complete'],
      );
    }
    assert.match(said.at(-2) ?? '', /^Digest: sha256:/);
    assert.equal(said.at(-1), `Status: Downloaded newer image for ${name()}`);
    const config = proxy.blobBytes - total;
    assert.ok(config > 0 && config < 5000, 'the config and nothing else beside the layers');
    proxy.does();
    const again = await side.registry.pull(name(), { signal });
    assert.equal(again.isNew, false);
    assert.equal(proxy.blobBytes, 0, 'what is here is not fetched again');
  });

  const once = (fault: Fault): Fault => {
    let isOver = false;
    return async (request, answer) => {
      if (isOver || request.method !== 'GET' || !isLayer(request.url)) return;
      isOver = true;
      await fault(request, answer);
    };
  };
  const always =
    (fault: Fault): Fault =>
    async (request, answer) => {
      if (request.method === 'GET' && isLayer(request.url)) await fault(request, answer);
    };

  /** What a connection's end takes along: what has arrived and waits in Node's buffers. A layer from its start would be 1.2 MB. */
  const lost = 600_000;

  const passing: Readonly<Record<string, Fault>> = {
    'the connection is cut in the middle': (_, answer) => {
      answer.cutAfter = 1_200_000;
    },
    'the connection is cut before the body': (_, answer) => {
      answer.cutAfter = 0;
    },
    'a clean end in the middle': (_, answer) => {
      answer.body = answer.body.subarray(0, 1_200_000);
      answer.headers['content-length'] = '1200000';
    },
    'more length than bytes': (_, answer) => {
      answer.headers['content-length'] = String(answer.body.length + 10);
      answer.cutAfter = answer.body.length;
    },
    'out of order (503)': (_, answer) => {
      Object.assign(answer, { status: 503, headers: {}, body: Buffer.from('busy') });
    },
    'too many requests (429)': (_, answer) => {
      const body = Buffer.from('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}');
      Object.assign(answer, { status: 429, headers: {}, body });
    },
    'a content encoding that is none': (_, answer) => {
      answer.headers['content-encoding'] = 'gzip';
    },
  };
  for (const [what, fault] of Object.entries(passing)) {
    it(`${what}, once: the pull ends right`, async () => {
      proxy.does(once(fault));
      await pulls(await rig.side());
      assert.ok(proxy.blobBytes < total + lost, `${proxy.blobBytes - total} bytes were asked for again`);
    });
  }

  it('a server that does not know ranges: what arrived is passed over', async () => {
    const side = await rig.side();
    const whole = await (await fetch(`http://${registry.host}/v2/noise/blobs/${layers[1]?.digest}`)).arrayBuffer();
    proxy.does(
      always((request, answer) => {
        if (request.headers.range === undefined) answer.cutAfter = 1_500_000;
        else Object.assign(answer, { status: 200, headers: {}, body: Buffer.from(whole) });
      }),
    );
    await pulls(side);
  });

  it('a server that begins elsewhere than it was asked to: an error that names the layer', async () => {
    proxy.does(
      always((request, answer) => {
        if (request.headers.range === undefined) answer.cutAfter = 1_500_000;
        else answer.headers['content-range'] = `bytes 1900000-${layerBytes() - 1}/${layerBytes()}`;
      }),
    );
    await fails(await rig.side(), new RegExp(`${layers[1]?.digest}.*left a part out`));
  });

  const lasting: Readonly<Record<string, { readonly fault: Fault; readonly words: RegExp }>> = {
    'another byte in it': {
      fault: (_, answer) => {
        answer.body[1000] = (answer.body[1000] ?? 0) ^ 1;
      },
      words: /digest/,
    },
    'more bytes than the manifest says': {
      fault: (_, answer) => {
        answer.body = Buffer.concat([answer.body, Buffer.from('more')]);
        answer.headers['content-length'] = String(answer.body.length);
      },
      words: /more than the \d+ bytes/,
    },
    'another layer in its place': {
      fault: async (_, answer) => {
        const other = await fetch(`http://${registry.host}/v2/noise/blobs/${layers[0]?.digest}`);
        answer.body = Buffer.from(await other.arrayBuffer());
        answer.headers['content-length'] = String(answer.body.length);
      },
      words: /unexpected EOF/,
    },
    'always cut': {
      fault: (_, answer) => {
        answer.cutAfter = Math.min(answer.body.length - 1, 1000);
      },
      words: /after \d+ of \d+ bytes/,
    },
    'gone (404)': {
      fault: (_, answer) => {
        Object.assign(answer, { status: 404, headers: {}, body: Buffer.from('{"errors":[{"code":"BLOB_UNKNOWN"}]}') });
      },
      words: /blob unknown/,
    },
    'always out of order (500)': {
      fault: (_, answer) => {
        Object.assign(answer, { status: 500, headers: {}, body: Buffer.from('') });
      },
      words: /500/,
    },
  };
  for (const [what, { fault, words: expected }] of Object.entries(lasting)) {
    it(`a layer with ${what}: an error that names it, and the next pull is right`, async () => {
      const side = await rig.side();
      proxy.does(always(fault));
      await fails(side, new RegExp(`${layers[1]?.digest}.*${expected.source}`, 's'));
      proxy.does();
      await pulls(side);
    });
  }

  it('silence in the middle ends a pull', async () => {
    proxy.does(
      always((_, answer) => {
        answer.stallAfter = 1000;
      }),
    );
    const side = await rig.side({ maxAttempts: 1 }, { patience: 8_000 });
    await fails(side, new RegExp(`${layers[1]?.digest}.*no answer`));
  });

  it('whoever goes away ends the pull, and the next one asks only for the rest', async () => {
    const side = await rig.side();
    const abort = new AbortController();
    proxy.does(
      always((_, answer) => {
        answer.stallAfter = 1_500_000;
      }),
    );
    const pulling = side.registry.pull(name(), { signal: abort.signal });
    pulling.catch(() => undefined);
    await until(async () => (await side.arrived(layers[1]?.digest ?? '')) >= 1_400_000);
    abort.abort();
    await assert.rejects(pulling, (failure) => isKind(failure, 'canceled'));
    assert.deepEqual(side.images.list(), []);
    assert.deepEqual(await side.leftovers(), []);
    proxy.does();
    await pulls(side);
    assert.ok(proxy.blobBytes < total - 900_000, `${proxy.blobBytes} of ${total} bytes were fetched again`);
  });

  it('two who pull the same at once fetch each byte once', async () => {
    proxy.does();
    const side = await rig.side();
    await Promise.all([pulls(side), pulls(side)]);
    assert.ok(proxy.blobBytes < total + lost, `${proxy.blobBytes - total} bytes were asked for again`);
  });

  it('layers come in any order and are unpacked in theirs', async () => {
    let release = (): void => undefined;
    const others = new Promise<void>((resolve) => {
      release = resolve;
    });
    let count = 0;
    proxy.does(async ({ method, url }) => {
      if (method !== 'GET' || !isBlobUrl(url)) return;
      if (isLayer(url, 0)) await others;
      else if (isLayer(url, 1) || isLayer(url, 2)) {
        count += 1;
        if (count === 2) release();
      }
    });
    await pulls(await rig.side());
  });
});
