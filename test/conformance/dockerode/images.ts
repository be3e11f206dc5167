import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { followed, type Given, type Method, status, untyped } from './method.ts';

/** Images. */
export const imageMethods: Readonly<Record<string, Method>> = {
  'image.inspect': async ({ docker, image }) => {
    const found = await docker.getImage(image).inspect();
    assert.deepEqual(found.RepoTags, [`${image}:latest`]);
    assert.equal(found.Os, 'linux');
    assert.equal(found.RootFS.Layers?.length, 1);
    await assert.rejects(docker.getImage('nothing').inspect(), status(404));
  },
  'image.history': async ({ docker, image }) => {
    const history: { Comment: string; Tags: string[] | null }[] = await docker.getImage(image).history();
    assert.deepEqual(
      history.map(({ Comment, Tags }) => [Comment, Tags]),
      [['Imported from -', [`${image}:latest`]]],
    );
  },
  'image.get': async ({ docker, image }) => {
    const archive = await buffer(await docker.getImage(image).get());
    assert.ok(archive.includes('manifest.json') && archive.includes('oci-layout'));
  },
  'image.tag': async ({ docker, image }) => {
    await docker.getImage(image).tag({ repo: 'second', tag: '2' });
    assert.ok((await docker.getImage(image).inspect()).RepoTags.includes('second:2'));
    await docker.getImage('second:2').remove();
  },
  'image.remove': async ({ docker, image }) => {
    await docker.getImage(image).tag({ repo: 'goes' });
    assert.deepEqual(await docker.getImage('goes').remove(), [{ Untagged: 'goes:latest' }]);
    await assert.rejects(docker.getImage('goes').remove(), status(404));
  },
  'docker.listImages': async ({ docker, image }) => {
    const [found] = await docker.listImages({ filters: { reference: [image] } });
    assert.deepEqual(found?.RepoTags, [`${image}:latest`]);
    assert.deepEqual(await docker.listImages({ filters: { reference: ['nothing'] } }), []);
  },
  'docker.getImage': async ({ docker, image }) => {
    const { Id } = await docker.getImage(image).inspect();
    assert.equal((await docker.getImage(Id.slice(0, 20)).inspect()).Id, Id);
  },
  'docker.loadImage': async ({ docker, image }) => {
    await docker.getImage(image).tag({ repo: 'loaded' });
    const archive = await buffer(await docker.getImage('loaded').get());
    await docker.getImage('loaded').remove();
    const said = await followed(docker, await docker.loadImage(Readable.from([archive])));
    assert.match(JSON.stringify(said), /Loaded image: loaded:latest/);
    await docker.getImage('loaded').remove();
  },
  'docker.importImage': async (given) => {
    const { docker } = given;
    const said = await followed(
      docker,
      await docker.importImage(Readable.from([await exported(given)]), { repo: 'brought' }),
    );
    assert.match(JSON.stringify(said), /sha256:[0-9a-f]{64}/);
    await docker.getImage('brought').remove();
  },
  'docker.getImages': async ({ docker, image }) => {
    await docker.getImage(image).tag({ repo: 'another' });
    const stream = await untyped(docker, 'getImages', { names: [image, 'another'] });
    assert.ok(stream instanceof Readable);
    const archive = await buffer(stream);
    assert.ok(archive.includes('another') && archive.includes('manifest.json'));
    await docker.getImage('another').remove();
  },
  'docker.buildImage': async ({ docker, image }) => {
    const context = async (text: string) => {
      const tar = pack();
      tar.entry({ name: 'Dockerfile' }, text);
      tar.finalize();
      return Readable.from([await buffer(tar)]);
    };
    const good = await context(`FROM ${image}\nENV A=b\n`);
    const said = await followed(docker, await docker.buildImage(good, { t: 'built:1' }));
    assert.match(JSON.stringify(said), /Successfully tagged built:1/);
    assert.ok((await docker.getImage('built:1').inspect()).Config.Env?.includes('A=b'));
    await docker.getImage('built:1').remove();
    await assert.rejects(docker.buildImage(await context('FRUM x\n'), { t: 'built:2' }), status(400));
  },
  'docker.pruneImages': async (given) => {
    const { docker } = given;
    const container = await docker.createContainer({ Image: given.image, Cmd: ['true'] });
    const { Id }: { Id: string } = await container.commit();
    await container.remove();
    const { ImagesDeleted, SpaceReclaimed } = await docker.pruneImages();
    assert.ok(ImagesDeleted?.some(({ Deleted }) => Deleted === Id));
    assert.ok(SpaceReclaimed >= 0);
  },
  'docker.followProgress': async (given) => {
    const { docker } = given;
    const stream = await docker.importImage(Readable.from([await exported(given)]), { repo: 'progress' });
    const seen: unknown[] = [];
    const output = await new Promise<unknown>((resolve, reject) => {
      const done = (failure: unknown, all: unknown) => (failure ? reject(failure) : resolve(all));
      void untyped(docker, 'followProgress', stream, done, (event: unknown) => seen.push(event));
    });
    assert.deepEqual(output, seen);
    assert.ok(seen.length > 0);
    await docker.getImage('progress').remove();
  },
};

async function exported({ docker, image }: Given): Promise<Buffer> {
  const container = await docker.createContainer({ Image: image, Cmd: ['true'] });
  return buffer(await container.export());
}
