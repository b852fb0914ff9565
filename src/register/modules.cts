import module from 'node:module'
import process from 'node:process'
import url from 'node:url'

type Compile = (this: NodeJS.Module, ...args: readonly unknown[]) => unknown
type Load = (this: unknown, request: string, parent: NodeJS.Module | undefined, ...rest: readonly unknown[]) => unknown

interface Resolved {
  readonly url: string
}
interface ResolveContext {
  readonly conditions: readonly string[]
  readonly parentURL: string | undefined
}
interface Hooks {
  resolve(
    specifier: string,
    context: ResolveContext,
    nextResolve: (specifier: string, context: ResolveContext) => Resolved,
  ): Resolved
}
type GetBuiltin = (id: unknown) => unknown
type RegisterHooks = (hooks: Hooks) => void

// What Node's loader of CommonJS lets be changed, and all that ever changed it relies on, is in no type.
const prototype: object = module.prototype
const loader: object = module

/** Calls back with each module of CommonJS once its code ran: what is required, and what is imported. */
export function onCompiled(look: (loaded: NodeJS.Module) => void): void {
  replace<Compile>(
    prototype,
    '_compile',
    (compile) =>
      function _compile(...args) {
        const result: unknown = Reflect.apply(compile, this, args)
        look(this)
        return result
      },
  )
}

/** Calls back with what each `require()` asked for, who asked, and what it got. */
export function onRequired(look: (exports: unknown, request: string, parent: NodeJS.Module | undefined) => void): void {
  replace<Load>(
    loader,
    '_load',
    (load) =>
      function _load(request, parent, ...rest) {
        const exports: unknown = Reflect.apply(load, this, [request, parent, ...rest])
        look(exports, request, parent)
        return exports
      },
  )
}

/** What is told of modules before they are loaded. */
export interface Resolutions {
  /**
   * Each file that an `import` found, and who asked. A loader of another tool may give Node the source of a file of CommonJS:
   * Node then compiles it in another way.
   */
  file(filename: string, importer: string | undefined): void
  /** Each module of Node's own that is required or imported, as `node:fs`. */
  builtin(address: string): void
}

/** Whether this Node tells: 22.15 and later do. */
export function onResolved(told: Resolutions): boolean {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types are those of the oldest Node that is served
  const registerHooks = Reflect.get(module, 'registerHooks') as RegisterHooks | undefined
  if (registerHooks === undefined) return false
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const found = nextResolve(specifier, context)
      if (found.url.startsWith('node:')) told.builtin(found.url)
      else if (found.url.startsWith('file:') && !context.conditions.includes('require'))
        told.file(fileOf(found.url), context.parentURL)
      return found
    },
  })
  replace<GetBuiltin>(
    process,
    'getBuiltinModule',
    (original) =>
      function getBuiltinModule(id) {
        // What is no name is Node's to refuse.
        if (typeof id === 'string') told.builtin(id.startsWith('node:') ? id : `node:${id}`)
        return original(id)
      },
  )
  return true
}

/** Whether somebody has this module of Node's own by now, as `fs`; undefined where Node does not tell. */
export function isLoaded(builtin: string): boolean | undefined {
  const loaded: unknown = Reflect.get(process, 'moduleLoadList')
  return Array.isArray(loaded) ? loaded.includes(`NativeModule ${builtin}`) : undefined
}

export function alreadyLoaded(): NodeJS.Module[] {
  return Object.values(require.cache).filter((loaded) => loaded !== undefined)
}

/** Without what loaders append, such as `?iitm=true`. */
function fileOf(address: string): string {
  const { protocol, host, pathname } = new URL(address)
  return url.fileURLToPath(`${protocol}//${host}${pathname}`)
}

function replace<T>(holder: object, name: string, wrap: (original: T) => T): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types of Node leave it out
  Reflect.set(holder, name, wrap(Reflect.get(holder, name) as T))
}
