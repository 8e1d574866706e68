import { z } from 'zod'

/** An agent's name, as an argument. */
export const agentArgument = z
  .string()
  .regex(/^[a-z0-9-]{1,64}$/)
  .optional()

/** A session's key, as an argument. */
export const sessionKeyArgument = z.string().min(1).max(512).optional()
