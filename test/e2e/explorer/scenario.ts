import type { Item } from './covered.ts';
import type { Scene } from './scene.ts';

/** Something that a user does and sees. Each begins with a connected host, the starter image and no container. */
export interface Scenario {
  readonly name: string;
  /** What it exercises: held to what it really clicks and finds. */
  readonly covers: readonly Item[];
  run(scene: Scene): Promise<void>;
}
