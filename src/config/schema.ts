import { z } from 'zod';
import { MAX_SECONDS } from './max-seconds.js';

const text = z.string('must be a text in double quotes');
const flag = z.boolean('must be true or false');
const time = 'must be a number of seconds, 0 (no limit) or more';

/** Whether a server is to be left out is known before the rest of it has to be right. */
export const switchesSchema = z.looseObject({ enabled: flag.optional(), disabled: flag.optional() });

/** One entry of `mcpServers`, with the keys that clients' own configurations have. */
export const serverSchema = z.looseObject({
  command: z
    .string({
      error: ({ input }) => (input === undefined ? 'is missing' : 'must be a text in double quotes'),
    })
    .min(1, 'must not be empty'),
  args: z.array(text, 'must be a list of texts').default([]),
  env: z.record(z.string(), text, 'must be an object of texts').default({}),
  cwd: text.optional(),
  sharing: z.enum(['auto', 'shared', 'session'], 'must be "auto", "shared" or "session"').optional(),
  upstreamEra: z.enum(['auto', 'legacy', 'modern'], 'must be "auto", "legacy" or "modern"').optional(),
  timeout: z.number(time).min(0, time).max(MAX_SECONDS, `must be at most ${MAX_SECONDS} seconds`).optional(),
  transportType: text.optional(),
  url: text.optional(),
  enabled: flag.optional(),
  disabled: flag.optional(),
});

export const SERVER_KEYS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));
