import type { Route } from '../route.ts';
import { absentRoutes } from './absent.ts';
import { archiveRoutes } from './archive.ts';
import { attachRoutes } from './attach.ts';
import { buildRoutes } from './build.ts';
import { cgroupRoutes } from './cgroups.ts';
import { commitRoutes } from './commit.ts';
import { containerRoutes } from './containers.ts';
import { diskUsageRoutes } from './disk-usage.ts';
import { eventRoutes } from './events.ts';
import { execRoutes } from './exec.ts';
import { containerFileRoutes, volumeFileRoutes } from './file-routes.ts';
import { historyRoutes } from './history.ts';
import { imageTransferRoutes } from './image-transfer.ts';
import { imageRoutes } from './images.ts';
import { layerRoutes } from './layers.ts';
import { lifeRoutes } from './life.ts';
import { namespaceRoutes } from './namespaces.ts';
import { networkRoutes } from './networks.ts';
import { pluginRoutes } from './plugins.ts';
import { portholeRoutes } from './porthole.ts';
import { pruneRoutes } from './prune.ts';
import { registryRoutes } from './registry.ts';
import { statsRoutes } from './stats.ts';
import { systemRoutes } from './system.ts';
import { updateRoutes } from './update.ts';
import { volumeRoutes } from './volumes.ts';

/** The whole API. Order matters where two patterns match: the first wins, and what is absent comes last. */
export const allRoutes: readonly Route[] = [
  ...systemRoutes,
  ...diskUsageRoutes,
  ...eventRoutes,
  ...buildRoutes,
  ...imageTransferRoutes,
  ...registryRoutes,
  ...imageRoutes,
  ...containerRoutes,
  ...archiveRoutes,
  ...commitRoutes,
  ...lifeRoutes,
  ...updateRoutes,
  ...pruneRoutes,
  ...historyRoutes,
  ...attachRoutes,
  ...statsRoutes,
  ...execRoutes,
  ...networkRoutes,
  ...volumeRoutes,
  ...volumeFileRoutes,
  ...containerFileRoutes,
  ...pluginRoutes,
  ...layerRoutes,
  ...namespaceRoutes,
  ...portholeRoutes,
  ...cgroupRoutes,
  ...absentRoutes,
];
