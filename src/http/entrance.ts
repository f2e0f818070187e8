import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TokenSource } from '../auth/authenticator.js';
import { callerOf, type Principal } from '../auth/principal.js';
import { refuseAmbiguous } from './ambiguity.js';
import type { Door } from './door.js';
import { answerHealth, type HealthSource } from './health.js';
import type { HostGuard } from './host.js';
import type { Handler } from './listener.js';
import { memo } from './memo.js';
import { isLocal, type Mount } from './mounted.js';
import type { Stay } from './open-answers.js';
import type { OriginGuard } from './origin.js';
import type { Pages } from './pages.js';
import { refuse } from './reply.js';
import { answerResourceMetadata } from './resource-metadata.js';
import { hasPage, type Route, resourceOf, route, targetPath } from './router.js';

/** What a request has to pass, in this order, and what is there for everybody. */
export interface EntranceParts {
  readonly hosts: HostGuard;
  readonly origins: OriginGuard;
  readonly pages: Pages;
  readonly tokens: TokenSource | undefined;
  readonly health: () => HealthSource;
  readonly mount: Mount | undefined;
  /** Whether whoever comes to a mounted proxy is served, with nobody known. */
  readonly isOpen: boolean;
  readonly door: Door;
}

/** Who asks; both are undefined where nobody is asked who they are. */
interface Visitor {
  readonly principal: Principal | undefined;
  readonly stay: Stay | undefined;
}

export type Enter = (
  request: IncomingMessage,
  response: ServerResponse,
  target: Route,
  visitor: Visitor,
) => void;

/** All that a request passes before it is known who asks for what; then `enter` gets it. */
export function entrance(parts: EntranceParts, enter: Enter): Handler {
  const { hosts, origins, pages, tokens, health, mount, isOpen, door } = parts;
  const routeOf = memo((url) => {
    const path = targetPath(url);
    const target = route(path);
    return { target, resource: resourceOf(target), isPage: hasPage(path) };
  });
  return (request, response) => {
    origins.vary(response);
    if (refuseAmbiguous(request, response)) return;
    if (!hosts.admits(request)) {
      const text = `the proxy answers to the names of this machine only, not to ${JSON.stringify(request.headers.host)}; see --allow-host`;
      refuse(response, 403, text);
      return;
    }
    if (!origins.admit(request, response)) {
      refuse(response, 403, 'pages from this origin may not use the proxy; see --allow-origin');
      return;
    }
    if (origins.answerPreflight(request, response)) return;
    const { target, resource, isPage } = routeOf(request.url ?? '/');
    if (isPage && pages.answersPage(request, response)) return;
    if (target.kind === 'resource-metadata' && tokens !== undefined) {
      answerResourceMetadata(tokens, target.path, request, response);
      return;
    }
    if (target.kind === 'healthz' || target.kind === 'readyz') {
      answerHealth(target.kind, health(), request, response);
      return;
    }
    const caller = mount?.callerOf(request);
    if (caller !== undefined) {
      enter(request, response, target, { principal: callerOf(caller), stay: undefined });
    } else if (mount !== undefined && !isOpen && !isLocal(request)) {
      const text = 'nobody has said who asks, and the request does not come from this machine itself';
      refuse(response, 403, text);
    } else {
      door.pass(request, response, resource, (principal, stay) =>
        enter(request, response, target, { principal, stay }),
      );
    }
  };
}
