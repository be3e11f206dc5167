import type { PlannedContainer } from '../../protocol/trace.ts';
import { compile } from '../plan/compile.ts';
import { planView } from '../plan/render.ts';
import { containerFacts } from './bundle.ts';
import { Container } from './container.ts';
import type { CreateOptions } from './contract.ts';
import { directoriesOf, draftRecord, warningsOf } from './create.ts';
import type { Engine } from './engine.ts';
import { checkedLimits } from './limits.ts';
import { checkName } from './names.ts';
import { specAtStart } from './start.ts';
import { takeMappings } from './userns.ts';

/** Nothing can have this id by chance; whoever reads the plan sees that it is none. */
const placeholder = '0'.repeat(64);

/** The plan of a container that is not made: nothing is registered, announced or written. */
export async function planFor(engine: Engine, options: CreateOptions): Promise<PlannedContainer> {
  const image = engine.images.get(options.config.Image ?? '');
  const { hostConfig, warnings } = checkedLimits(options.hostConfig, engine.host, { update: false });
  const draft = await draftRecord(engine, { ...options, hostConfig, id: placeholder, image });
  const name = options.name ? checkName(options.name) : 'planned';
  if (options.name) {
    engine.registry.reserve(name, placeholder);
    engine.registry.release(name, placeholder);
  }
  const { mappings, release } = takeMappings(engine, options.hostConfig);
  release();
  const record = { ...draft, name, ...(mappings && { idMappings: mappings }) };
  const container = new Container(record, directoriesOf(engine, placeholder));
  const spec = await specAtStart(engine, container);
  const plan = compile(spec, { host: engine.host, container: await containerFacts(engine, container, spec) });
  return { ...planView(plan), warnings: [...warnings, ...warningsOf(record)] };
}
