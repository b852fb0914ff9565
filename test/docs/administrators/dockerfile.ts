import assert from 'node:assert/strict'
import type { Machine, ShellOptions } from './machine.js'

interface Image {
  env: Readonly<Record<string, string>>
  cwd: string
  user: 'root' | 'nobody'
  command: string
}

/**
 * Does the steps of a Dockerfile on a machine that stands for its `FROM`, with the files of a folder there, and returns how to run
 * what has been made. The user `node` of the image is nobody here.
 */
export async function buildImage(machine: Machine, dockerfile: string, context: string): Promise<Image> {
  const image: Image = { env: {}, cwd: '/', user: 'root', command: '' }
  for (const line of dockerfile.trim().split('\n')) {
    const [, step = '', rest = ''] = /^(\w+) (.*)$/.exec(line) ?? []
    const options: ShellOptions = { env: image.env, cwd: image.cwd, user: image.user }
    if (step === 'RUN') await machine.mustRun(rest, options)
    else if (step === 'COPY') await machine.mustRun(copyLines(rest, context), { cwd: image.cwd })
    else if (step === 'WORKDIR') await machine.mustRun(`mkdir -p ${(image.cwd = rest)}`)
    else if (step === 'ENV') image.env = { ...image.env, ...variableOf(rest) }
    else if (step === 'USER') image.user = rest === 'root' ? 'root' : 'nobody'
    else if (step === 'CMD')
      image.command = (JSON.parse(rest) as readonly string[]).map((word) => `'${word}'`).join(' ')
    else assert.equal(step, 'FROM', line)
  }
  return image
}

function copyLines(rest: string, context: string): string {
  const words = rest.split(' ')
  const [from = '', to = ''] = words.filter((word) => !word.startsWith('--'))
  const flag = (name: string) => words.find((word) => word.startsWith(`--${name}=`))?.split('=')[1]
  const isFolder = from === '.'
  return `mkdir -p "$(dirname ${to})"
cp -r ${context}/${from} ${to}
${isFolder ? '' : `chown ${flag('chown') ?? 'root:root'} ${to}; chmod ${flag('chmod') ?? '644'} ${to}`}`
}

function variableOf(rest: string): Readonly<Record<string, string>> {
  const [, name = '', value = ''] = /^(\w+)="?(.*?)"?$/.exec(rest) ?? []
  return { [name]: value }
}
