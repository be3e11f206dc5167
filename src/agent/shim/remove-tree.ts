import type { Shims } from './contract.ts';

const why = 'What a container left behind is removed.';

/**
 * Removes directories that a container or an image has filled; what is not there is fine. The shim does it: a container
 * can make directories deeper than any path is long, or millions of files in one, and neither may stop or swell us.
 */
export async function removeTrees(engine: { readonly shims: Shims }, paths: readonly string[]): Promise<void> {
  const executor = engine.shims.execute();
  try {
    await executor.run({
      operations: paths.map((path) => ({ op: 'rmtree', path, tolerate: ['ENOENT'], why })),
    });
    await executor.close();
  } catch (failure) {
    executor.abort();
    throw failure;
  }
}
