import { quiet, type Scenario, scenario, shell } from '../scenario.ts';

const flat = `--format '{{.Type}} {{.Action}} {{.Actor.Attributes.name}}'`;

/** Up to this moment; with a duration the command would round it down to a second. */
const past = (filters: string) => shell(`docker events --since 1m --until $(date +%s.%N) ${filters}`);

/** info, version, events. */
export const systemScenarios: readonly Scenario[] = [
  scenario(
    'events: filters',
    quiet('run --name watched -l watch=me busybox true'),
    quiet('run --name other busybox true'),
    past(`--filter container=watched --filter type=container ${flat}`),
    past(`--filter container=watched --filter event=die --format '{{.Actor.Attributes.exitCode}}'`),
    past(`--filter container=watched --filter event=create --filter event=start ${flat}`),
    past(`--filter container=watch --filter event=die ${flat}`),
    past(`--filter label=watch=me --filter type=container ${flat}`),
    past(`--filter container=nobody ${flat}`),
    past(`--filter container=watched --filter event=nonsense ${flat}`),
    past(`--filter container=watched --filter nonsense=1 ${flat}`),
    'events --since nonsense --until 1s',
    'events --since 2 --until 1',
  ),
  scenario(
    'info and version, as far as they can be equal',
    `info --format '{{.OSType}} {{.Architecture}} {{.NCPU}} {{.MemTotal}} {{.KernelVersion}} {{.OperatingSystem}}'`,
    `info --format '{{.Containers}} {{.Driver}} {{.CgroupDriver}} {{.CgroupVersion}} {{.LoggingDriver}}'`,
    `info --format '{{.MemoryLimit}} {{.SwapLimit}} {{.CPUShares}} {{.CPUSet}} {{.PidsLimit}} {{.OomKillDisable}}'`,
    `info --format '{{.Swarm.LocalNodeState}} {{.Isolation}} {{.ExperimentalBuild}} {{.Debug}}'`,
    `version --format '{{.Client.APIVersion}} {{.Server.Os}} {{.Server.Arch}} {{.Server.KernelVersion}}'`,
  ),
];
