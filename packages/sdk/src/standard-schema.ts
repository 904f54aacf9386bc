/**
 * The interface of Standard Schema (https://standardschema.dev, version 1), copied as its authors ask, so that zod,
 * valibot, arktype and others fit without a dependency. Only what is used here was taken over.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaV1.Props<Input, Output>
}

export declare namespace StandardSchemaV1 {
  export interface Props<Input = unknown, Output = Input> {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => Result<Output> | Promise<Result<Output>>
    readonly types?: Types<Input, Output> | undefined
  }
  export type Result<Output> = SuccessResult<Output> | FailureResult
  export interface SuccessResult<Output> {
    readonly value: Output
    readonly issues?: undefined
  }
  export interface FailureResult {
    readonly issues: readonly Issue[]
  }
  export interface Issue {
    readonly message: string
    readonly path?: readonly (PropertyKey | PathSegment)[] | undefined
  }
  export interface PathSegment {
    readonly key: PropertyKey
  }
  export interface Types<Input = unknown, Output = Input> {
    readonly input: Input
    readonly output: Output
  }
  export type InferInput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['input']
  export type InferOutput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['output']
}

/** The part of Standard JSON Schema that tells a schema's input; a library may throw for what JSON Schema cannot say. */
interface JsonSchemaConverter {
  readonly input: (options: { readonly target: 'draft-2020-12' }) => Record<string, unknown>
}

/**
 * JSON Schema (draft 2020-12) of what the schema takes, or null where its library cannot tell.
 */
export function inputJsonSchema(schema: StandardSchemaV1): Record<string, unknown> | null {
  const standard: StandardSchemaV1['~standard'] & { readonly jsonSchema?: unknown } = schema['~standard']
  if (!isConverter(standard.jsonSchema)) return null
  try {
    return standard.jsonSchema.input({ target: 'draft-2020-12' })
  } catch {
    return null
  }
}

/** One line for all issues, each with its path: `size.width: expected a number; name: required`. */
export function describeIssues(issues: readonly StandardSchemaV1.Issue[]): string {
  const told = issues.slice(0, issuesToldMax).map(issue => {
    const path = (issue.path ?? []).map(part => String(typeof part === 'object' ? part.key : part)).join('.')
    return path === '' ? issue.message : `${path}: ${issue.message}`
  })
  const more = issues.length - told.length
  return more > 0 ? `${told.join('; ')}; and ${more} more` : told.join('; ')
}

const issuesToldMax = 20

function isConverter(value: unknown): value is JsonSchemaConverter {
  return typeof value === 'object' && value !== null && 'input' in value && typeof value.input === 'function'
}
