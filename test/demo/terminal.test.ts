import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Terminal } from '../../demo/terminal/terminal.js'
import { padLine, span, wrap } from '../../demo/terminal/text.js'

const escape = '\u001b['

class FakeScreen {
  readonly isTTY: boolean
  readonly columns = 80
  readonly rows = 4
  readonly #colors: boolean
  written = ''

  constructor({ isTTY = true, colors = false }: { readonly isTTY?: boolean; readonly colors?: boolean }) {
    this.isTTY = isTTY
    this.#colors = colors
  }

  hasColors(): boolean {
    return this.#colors
  }

  write(text: string): void {
    this.written += text
  }
}

const lines = (...texts: string[]) => texts.map((text) => [span(text, 'good')])

describe('a terminal', () => {
  test('draws over what it drew before', () => {
    const screen = new FakeScreen({})
    const terminal = new Terminal(screen)
    terminal.draw(lines('one', 'two'))
    terminal.draw(lines('three'))
    assert.equal(screen.written, `one\ntwo\n${escape}2A\r${escape}Jthree\n`)
  })

  test('lets stay what it printed', () => {
    const screen = new FakeScreen({})
    const terminal = new Terminal(screen)
    terminal.draw(lines('drawn'))
    terminal.print(lines('printed'))
    terminal.draw(lines('drawn'))
    assert.equal(screen.written, `drawn\n${escape}1A\r${escape}Jprinted\ndrawn\n`)
  })

  test('draws no more than it can draw over', () => {
    const screen = new FakeScreen({})
    new Terminal(screen).draw(lines('1', '2', '3', '4', '5'))
    assert.equal(screen.written, '1\n2\n3\n')
  })

  test('has colors only where they are wanted', () => {
    for (const colors of [true, false]) {
      const screen = new FakeScreen({ colors })
      new Terminal(screen).print(lines('green'))
      assert.equal(screen.written.includes(`${escape}32m`), colors)
    }
  })

  test('that is none gets lines that stay, without escapes', () => {
    const screen = new FakeScreen({ isTTY: false, colors: true })
    const terminal = new Terminal(screen)
    terminal.draw(lines('drawn'))
    terminal.print(lines('printed'))
    assert.equal(screen.written, 'printed\n')
  })
})

test('a text is wrapped at its blanks, and a word that is too long is cut', () => {
  assert.deepEqual(wrap('to be or not', 6), ['to be', 'or not'])
  assert.deepEqual(wrap('a incomprehensible b', 5), ['a', 'incom', 'b'])
  assert.deepEqual(wrap('', 5), [''])
})

test('a line is filled up, and never cut', () => {
  assert.deepEqual(padLine([span('ab')], 4), [span('ab'), span('  ')])
  assert.deepEqual(padLine([span('abc')], 2), [span('abc')])
})
