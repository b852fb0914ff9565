import process from 'node:process'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import type { ConnectOptions } from 'holdfast'

/** Puts the server's questions to whoever sits at the terminal. What is secret is not shown while it is typed. */
export const ask: NonNullable<ConnectOptions['prompt']> = async ({ name, instruction, prompts }, signal) => {
  const echo = new Echo()
  const lines = createInterface({ input: process.stdin, output: echo, terminal: true })
  // Otherwise readline keeps it for itself.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    for (const text of [name, instruction]) if (text !== '') process.stderr.write(`${text}\n`)
    const answers: string[] = []
    for (const prompt of prompts) {
      process.stderr.write(prompt.text)
      echo.isOn = prompt.echo
      answers.push(await lines.question('', { signal }))
      if (!prompt.echo) process.stderr.write('\n')
    }
    return answers
  } finally {
    lines.close()
  }
}

class Echo extends Writable {
  isOn = false

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (this.isOn) process.stderr.write(chunk)
    done()
  }
}
