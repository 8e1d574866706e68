import type { ReaderCase } from '../reader-case.ts'
import { lineCases } from './lines.ts'
import { recognitionCases } from './recognition.ts'
import { rewriteCases } from './rewrite.ts'
import { structureCases } from './structure.ts'

/** The whole contract of a transcript reader, tried on each of its samples. */
export const readerCases: readonly ReaderCase[] = [...recognitionCases, ...lineCases, ...structureCases, ...rewriteCases]
