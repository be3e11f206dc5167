import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { startRegistry } from '../../support/registry.ts';
import { followed, type Given, type Method, status, untyped } from './method.ts';

/** What needs a registry: each method gets one of its own, with the image in it under two tags. */
export const registryMethods: Readonly<Record<string, Method>> = {
  'image.push': withRegistry(async ({ docker }, repository) => {
    const { RepoDigests } = await docker.getImage(`${repository}:1`).inspect();
    assert.match(RepoDigests.join(), /@sha256:[0-9a-f]{64}/);
    const refusal = await pushed(docker, `${repository}/nothing`, 'none');
    assert.match(JSON.stringify(refusal), /errorDetail.*does not exist locally/);
  }),
  'image.distribution': withRegistry(async ({ docker }, repository) => {
    const { Descriptor, Platforms } = await docker.getImage(`${repository}:1`).distribution();
    assert.match(Descriptor.digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(Platforms[0]?.os, 'linux');
  }),
  'docker.pull': withRegistry(async ({ docker }, repository) => {
    await gone(docker, repository);
    const said = await followed(docker, await docker.pull(`${repository}:1`));
    assert.match(JSON.stringify(said), /Status: Downloaded newer image/);
    assert.ok((await docker.getImage(`${repository}:1`).inspect()).RepoTags.includes(`${repository}:1`));
    await assert.rejects(docker.pull(`${repository}:unknown`), status(404));
  }),
  'docker.createImage': withRegistry(async ({ docker }, repository) => {
    await gone(docker, repository);
    await followed(docker, await docker.createImage({ fromImage: repository, tag: '2' }));
    assert.ok((await docker.getImage(`${repository}:2`).inspect()).RepoTags.includes(`${repository}:2`));
  }),
  'docker.pullAll': withRegistry(async ({ docker }, repository) => {
    await gone(docker, repository);
    const stream = await untyped(docker, 'pullAll', repository);
    assert.ok(stream instanceof Readable);
    await followed(docker, stream);
    const [found] = await docker.listImages({ filters: { reference: [repository] } });
    assert.deepEqual([...(found?.RepoTags ?? [])].sort(), [`${repository}:1`, `${repository}:2`]);
  }),
};

function withRegistry(task: (given: Given, repository: string) => Promise<void>): Method {
  return async (given) => {
    const { docker, image } = given;
    const registry = await startRegistry();
    const repository = `${registry.host}/some/image`;
    try {
      for (const tag of ['1', '2']) {
        await docker.getImage(image).tag({ repo: repository, tag });
        await pushed(docker, repository, tag);
      }
      await task(given, repository);
    } finally {
      await gone(docker, repository);
      await registry.stop();
    }
  };
}

async function pushed(docker: Docker, repository: string, tag: string): Promise<unknown[]> {
  return await followed(docker, await docker.getImage(`${repository}:${tag}`).push({ tag }));
}

/** Removes every tag of a repository that is here. */
async function gone(docker: Docker, repository: string): Promise<void> {
  for (const { RepoTags } of await docker.listImages({ filters: { reference: [repository] } })) {
    for (const tag of RepoTags ?? []) await docker.getImage(tag).remove();
  }
}
