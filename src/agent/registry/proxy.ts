import { isIP } from 'node:net';
import { isInsecureHost } from './endpoints.ts';

/** Which proxies there are: the usual variables, in small letters too. */
export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  readonly none: readonly string[];
}

export function proxySettings(env: NodeJS.ProcessEnv): ProxySettings {
  const of = (name: string): string | undefined => env[name.toUpperCase()] || env[name] || undefined;
  const [http, https] = [of('http_proxy'), of('https_proxy')];
  return {
    ...(http !== undefined && { http }),
    ...(https !== undefined && { https }),
    none: (of('no_proxy') ?? '').split(',').flatMap((rule) => rule.trim().toLowerCase() || []),
  };
}

/**
 * The proxy for an address, by the rules of Go's standard library, as dockerd has them: never for this machine; NO_PROXY
 * holds `*`, hosts with the domains below them, `.domain`, addresses and networks, each perhaps with a port.
 */
export function proxyFor(url: URL, settings: ProxySettings): URL | undefined {
  const proxy = url.protocol === 'https:' ? settings.https : settings.http;
  if (proxy === undefined || isExempt(url, settings.none)) return undefined;
  return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(proxy) ? proxy : `http://${proxy}`);
}

function isExempt(url: URL, rules: readonly string[]): boolean {
  const host = url.hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (host === 'localhost' || (isIP(host) !== 0 && isInsecureHost(url.hostname, []))) return true;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return rules.some((rule) => {
    if (rule === '*') return true;
    if (rule.includes('/')) return isIP(host) !== 0 && isInsecureHost(url.hostname, [rule]);
    const [, name = '', wanted] = /^(.*?)(?::(\d+))?$/.exec(isIP(rule) === 6 ? `${rule}` : rule) ?? [];
    if (wanted !== undefined && wanted !== port && isIP(rule) !== 6) return false;
    const domain = (isIP(rule) === 6 ? rule : name).replace(/^\*\./, '.').replace(/^\[(.*)\]$/, '$1');
    if (isIP(domain) !== 0) return host === domain;
    return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
  });
}
