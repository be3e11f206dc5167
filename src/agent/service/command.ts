import { PortholeError } from '../../base/errors.ts';
import { installService, type ServicePlan, serviceStatus, uninstallService } from './service.ts';

const actions = ['install', 'uninstall', 'status'] as const;

const unknownAction = (given: string | undefined) =>
  new PortholeError('invalid', `service needs one of ${actions.join(', ')}, not ${JSON.stringify(given ?? '')}`);

/**
 * `porthole-agent service install|uninstall|status`. Returns what to tell.
 * @param plan.command serves on the roots: program and arguments
 */
export async function serviceCommand(action: string | undefined, plan: ServicePlan): Promise<string> {
  switch (actions.find((one) => one === action)) {
    case 'install':
      return installService(plan);
    case 'uninstall':
      return uninstallService(plan);
    case 'status':
      return serviceStatus(plan);
    default:
      throw unknownAction(action);
  }
}
