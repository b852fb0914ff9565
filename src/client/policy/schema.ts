import { type PolicyOption, policyOptions, type Tighter } from './options.js'

/** In words, for whoever reads the schema in an editor. */
const tighterBy: Readonly<Record<Tighter, string>> = {
  shorter: 'a program can only make it shorter',
  fewer: 'a program can only make it less',
  on: 'a program cannot switch it off',
  stricter: 'a program can only be stricter',
  subset: 'a program can only leave some out',
  fixed: 'a program cannot change it',
}

/** JSON schema of a policy file, for editors: what they cannot see, a connection says by ERR_SSH_POLICY. */
export function policySchema(): object {
  const sections = { defaults: { $ref: '#/$defs/defaults' }, enforced: { $ref: '#/$defs/enforced' } }
  const pattern = { type: 'string', pattern: '^!?[^\\s,!]+$' }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Policy of Holdfast',
    description: 'What holds for the SSH connections of all programs on a machine: docs/policy.md of Holdfast',
    ...objectOf({
      $schema: { type: 'string' },
      ...sections,
      hosts: {
        description:
          'The same for hosts by their names; a later rule wins over an earlier one, and what is enforced adds up',
        type: 'array',
        items: {
          ...objectOf({ match: { anyOf: [pattern, { type: 'array', minItems: 1, items: pattern }] }, ...sections }),
          required: ['match'],
        },
      },
    }),
    $defs: {
      defaults: { description: 'What a program may change', ...objectOf(groupsOf(defaultSchema)) },
      enforced: { description: 'What a program may only tighten', ...objectOf(groupsOf(enforcedSchema)) },
    },
  }
}

function groupsOf(schemaOf: (option: PolicyOption) => object): Record<string, object> {
  const groups: Record<string, Record<string, object>> = {}
  for (const option of policyOptions)
    groups[option.group] = { ...groups[option.group], [option.name]: schemaOf(option) }
  return Object.fromEntries(
    Object.entries(groups).map(([name, options]) => [name, withOff(name, schemaOf, objectOf(options))]),
  )
}

/** `keepalive: false`, which no policy can enforce. */
function withOff(group: string, schemaOf: (option: PolicyOption) => object, schema: object): object {
  return group === 'keepalive' && schemaOf === defaultSchema ? { anyOf: [schema, { const: false }] } : schema
}

function defaultSchema({ kind, variable }: PolicyOption): object {
  return { description: `Environment: ${variable}`, ...kind.schema }
}

function enforcedSchema({ kind, tighter }: PolicyOption): object {
  return { description: tighterBy[tighter], ...(kind.enforcedSchema ?? kind.schema) }
}

function objectOf(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', additionalProperties: false, properties }
}
