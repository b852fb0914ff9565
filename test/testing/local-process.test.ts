import assert from 'node:assert/strict'
import { test } from 'node:test'
import { baseEnvironment, windowsEnvironment } from '#src/testing/local-process.js'

test('on Windows a command finds what the system needs, and nothing else of this process', () => {
  const system = {
    SystemRoot: 'C:\\Windows',
    SystemDrive: 'C:',
    windir: 'C:\\Windows',
    ComSpec: 'C:\\Windows\\system32\\cmd.exe',
    PATH: 'C:\\Windows\\system32',
    PATHEXT: '.COM;.EXE',
    TEMP: 'C:\\Temp',
    TMP: 'C:\\Temp',
    USERPROFILE: 'C:\\Users\\me',
  }
  const found = windowsEnvironment({ ...system, USERNAME: 'me', NPM_TOKEN: 'secret' }, 'deploy')
  assert.deepEqual(found, { ...system, USERNAME: 'deploy' })
})

test('on this system a command finds nothing that it is not meant to', (t) => {
  process.env['HOLDFAST_SECRET_OF_THE_TEST'] = 'x'
  t.after(() => delete process.env['HOLDFAST_SECRET_OF_THE_TEST'])
  assert.ok(!('HOLDFAST_SECRET_OF_THE_TEST' in baseEnvironment('deploy')))
})
