import { buildScenarios } from './build-scenarios.ts';
import { compareScenarios } from './compare-scenarios.ts';
import { containerScenarios } from './container-scenarios.ts';
import { fileScenarios } from './file-scenarios.ts';
import { hostScenarios } from './host-scenarios.ts';
import { imageScenarios } from './image-scenarios.ts';
import { keyScenarios } from './key-scenarios.ts';
import { lookScenarios } from './look-scenarios.ts';
import { runScenarios } from './run-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { treeScenarios } from './tree-scenarios.ts';
import { volumeScenarios } from './volume-scenarios.ts';

/** Everything that is tried in one VS Code, in order. */
export const scenarios: readonly Scenario[] = [
  ...containerScenarios,
  ...imageScenarios,
  ...runScenarios,
  ...buildScenarios,
  ...compareScenarios,
  ...keyScenarios,
  ...volumeScenarios,
  ...lookScenarios,
  ...treeScenarios,
  ...fileScenarios,
  ...hostScenarios,
];
