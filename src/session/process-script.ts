/**
 * What runs in a second session to look for the processes of the first: a shell that is told by lines what to do, and
 * answers each with one line. It is a child of the sshd of this very connection, and so is each command of ours.
 */

/** A child of the connection's sshd. */
export interface Child {
  readonly pid: number
  readonly group: number
  /** When it began, on a clock of the server's own; the same process has the same for ever. '-' where it cannot be told. */
  readonly start: string
}

export interface ScriptOptions {
  /** Where the kernel shows its processes; where nothing is there, `ps` is asked. @default '/proc' */
  readonly proc?: string
}

/**
 * The command for the second session. Whatever shell the user has hands it over to `sh`, so it stands on one line,
 * without quotes, backslashes or exclamation marks inside (csh, fish).
 * @param mark stands before each line of ours, so that what a start-up file prints is not taken for one
 */
export function processScript(mark: string, { proc = '/proc' }: ScriptOptions = {}): string {
  const lines = [
    'set -f; p=$PPID;',
    // The kernel's line of a process: after its name, which may hold anything, and the last ") ".
    `look() { s=$(cat ${proc}/$1/stat 2>/dev/null); if [ -n "$s" ];`,
    'then set -- ${s##*") "}; state=$1 parent=$2 group=$3 start=${20};',
    'else set -- $(ps -o stat= -o ppid= -o pgid= -p $1 2>/dev/null); state=$1 parent=$2 group=$3 start=-; fi;',
    '[ -n "$group" ]; };',
    `children() { cat ${proc}/$p/task/$p/children 2>/dev/null ||`,
    'ps -A -o ppid= -o pid= | while read a b; do if [ "$a" = "$p" ]; then echo $b; fi; done; };',
    `echo ${mark} ready $$;`,
    'while read verb pid at; do case $verb in',
    'list) r=; for c in $(children); do if look $c && [ "$parent" = "$p" ];',
    'then r="$r $c,$group,$state,$start"; fi; done;',
    `echo ${mark} list$r;;`,
    'TERM|KILL) if look $pid && [ "$parent,$group,$start" = "$p,$pid,$at" ] && kill -$verb -$pid;',
    `then echo ${mark} sent; else echo ${mark} missed; fi;;`,
    'esac; done',
  ]
  return `exec sh -c '${lines.join(' ')}'`
}

/** @returns undefined when this is no list as the script writes it */
export function parseChildren(words: readonly string[]): readonly Child[] | undefined {
  const children = words.map(parseChild)
  return children.every((child) => child !== undefined) ? children : undefined
}

function parseChild(word: string): Child | undefined {
  const [, pid, group, start] = /^(\d+),(\d+),[^,]+,(\d+|-)$/.exec(word) ?? []
  if (pid === undefined || group === undefined || start === undefined) return undefined
  return { pid: Number(pid), group: Number(group), start }
}
