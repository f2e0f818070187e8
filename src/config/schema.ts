import { z } from 'zod';
import { MAX_SECONDS } from './max-seconds.js';
import { MAX_SIZE, parseSize } from './size.js';

const text = z.string('must be a text in double quotes');
const flag = z.boolean('must be true or false');
const time = 'must be a number of seconds, 0 (no limit) or more';
const someTime = 'must be a number of seconds, more than 0';
const number = 'must be a whole number, 1 or more';
const size = `must be a size of 1 to ${MAX_SIZE / 1_000_000}MB, as in 1048576, "10MB" or "64MiB"`;
const seconds = z.number(time).min(0, time).max(MAX_SECONDS, `must be at most ${MAX_SECONDS} seconds`);
const count = z.int(number).min(1, number);

/** Whether a server is to be left out is known before the rest of it has to be right. */
export const switchesSchema = z.looseObject({ enabled: flag.optional(), disabled: flag.optional() });

const names = z.array(text.min(1, 'must not be empty'), 'must be a list of texts').default([]);
/** A key that is not known here is no mere warning: it was meant to let in somebody, or nobody else. */
const access = z
  .strictObject(
    { keys: names, subjects: names, scopes: names },
    {
      error: ({ code }) =>
        code === 'unrecognized_keys'
          ? 'has a key that is none of "keys", "subjects" and "scopes"'
          : 'must be an object with "keys", "subjects" or "scopes"',
    },
  )
  .refine(
    ({ keys, subjects, scopes }) => keys.length + subjects.length + scopes.length > 0,
    'lets in nobody; name a key, a subject or a scope, or leave the server out with "disabled": true',
  );

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
  timeout: seconds.optional(),
  maxTimeout: seconds.optional(),
  startTimeout: z
    .number(someTime)
    .positive(someTime)
    .max(MAX_SECONDS, `must be at most ${MAX_SECONDS} seconds`)
    .optional(),
  maxProcesses: count.optional(),
  processIdle: seconds.optional(),
  maxInFlight: count.optional(),
  maxLine: z
    .union([z.string(), z.number()], size)
    .transform((value, context) => {
      const octets = parseSize(String(value));
      if (octets === undefined) context.addIssue({ code: 'custom', message: size });
      return octets;
    })
    .optional(),
  access: access.optional(),
  transportType: text.optional(),
  url: text.optional(),
  enabled: flag.optional(),
  disabled: flag.optional(),
});

export type ServerEntry = z.infer<typeof serverSchema>;

export const SERVER_KEYS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));
