import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type Dockerode from 'dockerode';
import { makeStarterImage } from '../../scripts/starter-image.ts';

/** Loads `porthole/starter:latest` through the API. */
export async function loadStarterImage(docker: Dockerode): Promise<void> {
  await text(await docker.loadImage(Readable.from([await makeStarterImage()]), {}));
}
