import type { Scenario } from '../scenario.ts';
import { copyScenarios } from './cp.ts';
import { createScenarios } from './create.ts';
import { execScenarios } from './exec.ts';
import { healthScenarios } from './health.ts';
import { imageListScenarios } from './image-lists.ts';
import { imageScenarios } from './images.ts';
import { initScenarios, logOptionScenarios } from './init.ts';
import { inspectScenarios } from './inspect.ts';
import { lifeScenarios } from './life.ts';
import { limitScenarios } from './limits.ts';
import { listScenarios } from './list.ts';
import { logScenarios } from './logs.ts';
import { mountScenarios } from './mounts.ts';
import { nameScenarios } from './names.ts';
import { pruneScenarios } from './prune.ts';
import { restartScenarios } from './restart.ts';
import { runScenarios } from './run.ts';
import { securityScenarios } from './security.ts';
import { systemScenarios } from './system.ts';
import { updateScenarios } from './update.ts';
import { volumeScenarios } from './volume.ts';
import { volumeLifeScenarios } from './volumes.ts';

/** By subject, in the order in which they run. */
export const subjects: Readonly<Record<string, readonly Scenario[]>> = {
  run: runScenarios,
  create: createScenarios,
  life: lifeScenarios,
  restart: restartScenarios,
  exec: execScenarios,
  logs: logScenarios,
  ps: listScenarios,
  inspect: inspectScenarios,
  limits: limitScenarios,
  security: securityScenarios,
  mounts: mountScenarios,
  volumes: volumeLifeScenarios,
  images: imageScenarios,
  'image lists': imageListScenarios,
  system: systemScenarios,
  volume: volumeScenarios,
  cp: copyScenarios,
  names: nameScenarios,
  health: healthScenarios,
  init: initScenarios,
  'log options': logOptionScenarios,
  prune: pruneScenarios,
  update: updateScenarios,
};
