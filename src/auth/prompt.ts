import { HoldfastError } from '../errors.js'
import type { InfoRequest } from '../wire/auth-messages.js'
import { printable, printableLines } from '../wire/printable.js'
import { waitForBystander } from './bystander.js'
import type { MethodContext } from './client-method.js'

/**
 * Puts a form in front of a person, and resolves with one answer a prompt. Its texts come from the peer, cleaned of
 * control characters. `signal` aborts when the answers are no longer wanted.
 */
export type AskPerson = (form: InfoRequest, signal: AbortSignal) => Promise<readonly string[]>

/** @throws HoldfastError ERR_SSH_TIMEOUT (limit `prompt`), ERR_SSH_OPTION for answers that do not fit, ERR_SSH_AUTHENTICATION when `ask` throws */
export async function askPerson(
  { port, limits, waiting }: MethodContext,
  ask: AskPerson,
  form: InfoRequest,
): Promise<readonly string[]> {
  const shown = cleaned(form)
  const what = `an answer to ${describe(shown)}`
  waiting({ on: 'person', what })
  const wait = { limit: 'prompt', limitMs: limits.prompt, what } as const
  const answers = await waitForBystander(port.waits, wait, (signal) => answersOf(ask, shown, signal))
  if (isForm(answers, form.prompts.length)) return answers
  const message = `prompt has to give an array of strings, one for each prompt of the form (${form.prompts.length})`
  throw new HoldfastError('ERR_SSH_OPTION', message, { phase: 'authentication' })
}

/** A program in JavaScript may give back anything, so the answers are taken for nothing yet. */
async function answersOf(ask: AskPerson, form: InfoRequest, signal: AbortSignal): Promise<unknown> {
  try {
    return await ask(form, signal)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new HoldfastError('ERR_SSH_AUTHENTICATION', `prompt failed: ${reason}`, {
      phase: 'authentication',
      hint: 'look at `cause`, which is what `prompt` threw',
      cause,
    })
  }
}

function isForm(answers: unknown, length: number): answers is readonly string[] {
  return Array.isArray(answers) && answers.length === length && answers.every((answer) => typeof answer === 'string')
}

function describe({ name, instruction, prompts }: InfoRequest): string {
  const text = prompts[0]?.text ?? (name || instruction)
  return `the prompt '${printable(text, 100)}'`
}

function cleaned({ name, instruction, prompts }: InfoRequest): InfoRequest {
  return {
    name: printableLines(name),
    instruction: printableLines(instruction),
    prompts: prompts.map(({ text, echo }) => ({ text: printableLines(text), echo })),
  }
}
