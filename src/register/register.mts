/**
 * For `--import`: gives programs that use npm `ssh2` 1.x Holdfast's client. See docs/register.md.
 *
 * @module
 */
import { createRequire } from 'node:module'

// Not by `import`: loaders that other tools registered would get it, and may give it a `require` that lacks half of its properties.
createRequire(import.meta.url)('./register.cjs')
