import { stat } from 'node:fs/promises';
import { errnoOf } from '../../base/errors.ts';
import type { HostConfig } from '../../protocol/docker.ts';
import type { BlockDevice, Resources } from '../oci/runtime.ts';
import { deviceNumbers } from '../sys/files.ts';
import { invalid } from './errors.ts';

/**
 * The limits of a HostConfig that are about block devices, with the devices' numbers; undefined when there are none.
 * @throws invalid on a path that leads to no block device
 */
export async function blockIoOf(config: HostConfig): Promise<Resources['blockIO']> {
  const rates = async (devices: readonly { readonly Path: string; readonly Rate: number }[] | undefined) =>
    Promise.all((devices ?? []).map(async ({ Path, Rate }) => ({ ...(await numbersOf(Path)), rate: Rate })));
  const [weightDevice, readBps, writeBps, readIops, writeIops] = await Promise.all([
    Promise.all(
      (config.BlkioWeightDevice ?? []).map(async ({ Path, Weight }) => ({
        ...(await numbersOf(Path)),
        weight: Weight,
      })),
    ),
    rates(config.BlkioDeviceReadBps),
    rates(config.BlkioDeviceWriteBps),
    rates(config.BlkioDeviceReadIOps),
    rates(config.BlkioDeviceWriteIOps),
  ]);
  const blockIO: NonNullable<Resources['blockIO']> = {
    ...(config.BlkioWeight ? { weight: config.BlkioWeight } : {}),
    ...(weightDevice.length > 0 ? { weightDevice } : {}),
    ...(readBps.length > 0 ? { throttleReadBpsDevice: readBps } : {}),
    ...(writeBps.length > 0 ? { throttleWriteBpsDevice: writeBps } : {}),
    ...(readIops.length > 0 ? { throttleReadIOPSDevice: readIops } : {}),
    ...(writeIops.length > 0 ? { throttleWriteIOPSDevice: writeIops } : {}),
  };
  return Object.keys(blockIO).length > 0 ? blockIO : undefined;
}

async function numbersOf(path: string): Promise<BlockDevice<object>> {
  const status = await stat(path).catch((cause: unknown) => {
    const why = errnoOf(cause) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(cause) ?? cause);
    throw invalid(`stat ${path}: ${why}`);
  });
  if (!status.isBlockDevice()) throw invalid(`${path} is not a block device`);
  return deviceNumbers(status.rdev);
}
