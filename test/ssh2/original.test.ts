// Where the program's own ssh2 is looked for: where Node would, and not where the program happens to be run.
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeProgramFolder, type ProgramFolder, runNode } from '../register/program-folder.js'

/** Uses what is left to ssh2; that of this package itself lacks options. */
const program = `try { new (require('holdfast/ssh2').Server)() } catch {} console.log('done')`

/** A folder whose package ssh2 says whose it is, once it is used. */
function folderOf(t: TestContext, owner: string): ProgramFolder {
  const folder = makeProgramFolder()
  t.after(() => folder.remove())
  folder.link('holdfast')
  folder.installPackage(
    'node_modules/ssh2',
    { name: 'ssh2', version: '1.17.0', main: 'index.js' },
    { 'index.js': `exports.Server = class { constructor() { console.log('${owner}') } }` },
  )
  return folder
}

test('a package of the folder that a program is run in is not run', async (t) => {
  const anybodys = folderOf(t, 'anybody')
  const tool = makeProgramFolder()
  t.after(() => tool.remove())
  tool.link('holdfast')
  const file = tool.write('tool.cjs', program)
  const { stdout, stderr } = await runNode([file], { cwd: anybodys.path })
  assert.equal(stdout, 'done\n', stderr)
  // An argument of a program that is typed in is no file of it.
  const argument = path.join(anybodys.path, 'file')
  const typed = await runNode(['-e', program, argument], { cwd: tool.path })
  assert.equal(typed.stdout, 'done\n', typed.stderr)
})

test('that of a program is found, however it is called', async (t) => {
  const own = folderOf(t, 'own')
  own.write('index.js', program)
  own.write('lib/main.cjs', program)
  const bin = makeProgramFolder()
  t.after(() => bin.remove())
  mkdirSync(path.join(bin.path, 'bin'))
  const link = path.join(bin.path, 'bin', 'tool')
  symlinkSync(path.join(own.path, 'lib/main.cjs'), link)
  const elsewhere = { cwd: tmpdir() }
  const here = { cwd: own.path }
  for (const [args, options] of [
    [[path.join(own.path, 'lib/main.cjs')], elsewhere],
    [[link], elsewhere],
    [[own.path], elsewhere],
    [['.'], here],
    [['index'], here],
    [['-e', program], here],
    [['-e', program, 'an argument'], here],
  ] as const) {
    const { stdout, stderr } = await runNode(args, options)
    assert.equal(stdout, 'own\ndone\n', `${args.join(' ')}: ${stderr}`)
  }
})
