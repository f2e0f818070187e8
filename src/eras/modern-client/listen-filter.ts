import { asRecord, type Message, paramsOf } from '../../jsonrpc/message.js';
import { covers } from '../../relay/subscriptions.js';

/** What a `subscriptions/listen` asks for, or what of it is honoured (schema, `SubscriptionFilter`). */
export interface ListenFilter {
  readonly toolsListChanged?: true;
  readonly promptsListChanged?: true;
  readonly resourcesListChanged?: true;
  readonly resourceSubscriptions?: readonly string[];
}

/** Reads what is asked for. A text says, for an error -32602, what is wrong with it. */
export function filterOf(request: Message): ListenFilter | string {
  const { notifications } = paramsOf(request);
  if (typeof notifications !== 'object' || notifications === null || Array.isArray(notifications)) {
    return 'params.notifications must be an object';
  }
  const asked = asRecord(notifications);
  const uris = asked.resourceSubscriptions ?? [];
  if (!Array.isArray(uris) || !uris.every((uri) => typeof uri === 'string')) {
    return 'params.notifications.resourceSubscriptions must be an array of texts';
  }
  return filter(
    asked.toolsListChanged === true,
    asked.promptsListChanged === true,
    asked.resourcesListChanged === true,
    [...new Set<string>(uris)],
  );
}

/** What of a filter a server with these capabilities can honour. */
export function honourable(
  asked: ListenFilter,
  capabilities: Readonly<Record<string, unknown>>,
): ListenFilter {
  const has = (feature: string, part: string): boolean => asRecord(capabilities[feature])[part] === true;
  return filter(
    asked.toolsListChanged === true && has('tools', 'listChanged'),
    asked.promptsListChanged === true && has('prompts', 'listChanged'),
    asked.resourcesListChanged === true && has('resources', 'listChanged'),
    has('resources', 'subscribe') ? (asked.resourceSubscriptions ?? []) : [],
  );
}

/** The filter with no resources but these. */
export function withResources(honoured: ListenFilter, uris: readonly string[]): ListenFilter {
  const { toolsListChanged, promptsListChanged, resourcesListChanged } = honoured;
  return filter(toolsListChanged === true, promptsListChanged === true, resourcesListChanged === true, uris);
}

/** Whether a notification of a legacy server is one that was asked for. */
export function lets(honoured: ListenFilter, notification: Message): boolean {
  switch (notification.method) {
    case 'notifications/tools/list_changed':
      return honoured.toolsListChanged === true;
    case 'notifications/prompts/list_changed':
      return honoured.promptsListChanged === true;
    case 'notifications/resources/list_changed':
      return honoured.resourcesListChanged === true;
    case 'notifications/resources/updated': {
      const { uri } = paramsOf(notification);
      return (
        typeof uri === 'string' && (honoured.resourceSubscriptions ?? []).some((one) => covers(one, uri))
      );
    }
    default:
      return false;
  }
}

function filter(tools: boolean, prompts: boolean, resources: boolean, uris: readonly string[]): ListenFilter {
  return {
    ...(tools ? { toolsListChanged: true } : {}),
    ...(prompts ? { promptsListChanged: true } : {}),
    ...(resources ? { resourcesListChanged: true } : {}),
    ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
  };
}
