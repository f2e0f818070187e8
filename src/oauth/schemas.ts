/** What is kept of sign-ins, as it must look when it is read: others can write the file, too. */
import { z } from 'zod';
import type { Grant, Pending, Registration } from './grant.js';

export const grantSchema: z.ZodType<Grant> = z.object({
  issuer: z.string(),
  resource: z.string().exactOptional(),
  resourceMetadata: z.url().exactOptional(),
  clientId: z.string(),
  accessToken: z.string().regex(/^[\x21-\x7e]+$/),
  refreshToken: z.string().exactOptional(),
  key: z
    .object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string(), d: z.string() })
    .exactOptional(),
  scope: z.string().exactOptional(),
  expiresAt: z.number().exactOptional(),
  issuedAt: z.number(),
});

export const registrationSchema: z.ZodType<Registration> = z.object({
  clientId: z.string(),
  clientSecret: z.string().exactOptional(),
  endsAt: z.number().exactOptional(),
  port: z.number().exactOptional(),
});

export const pendingSchema: z.ZodType<Pending> = z.object({
  issuer: z.string(),
  registration: registrationSchema,
  scope: z.string().exactOptional(),
  url: z.url({ protocol: /^https?$/ }),
  state: z.string(),
  verifier: z.string(),
  port: z.int().min(1).max(65_535),
  begunAt: z.number(),
  openedAt: z.number().exactOptional(),
});
