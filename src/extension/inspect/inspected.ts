import type Dockerode from 'dockerode';

/** What an engine can be asked to describe. */
export interface Described {
  readonly object: 'container' | 'image' | 'volume';
  readonly id: string;
}

/** All that an engine says of an object. */
export function inspected(docker: Dockerode, { object, id }: Described): Promise<unknown> {
  switch (object) {
    case 'container':
      return docker.getContainer(id).inspect();
    case 'image':
      return docker.getImage(id).inspect();
    case 'volume':
      return docker.getVolume(id).inspect();
  }
}
